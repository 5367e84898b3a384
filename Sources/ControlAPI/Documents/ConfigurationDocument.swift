/// The answer of `GET /v1/config` and the output of `config show --json`: every setting and its origin. Passwords are hidden.
package struct ConfigurationDocument: Hashable, Sendable, Codable {
    package struct Setting: Hashable, Sendable, Codable {
        package var key: String
        package var value: String
        /// `conf.d/10-cluster.yaml:3:5`, or `built in`.
        package var origin: String

        package init(key: String, value: String, origin: String) {
            self.key = key
            self.value = value
            self.origin = origin
        }
    }

    package var schema = 1
    package var settings: [Setting]

    package init(settings: [Setting]) { self.settings = settings }
}
