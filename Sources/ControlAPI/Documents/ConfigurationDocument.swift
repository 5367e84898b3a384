/// What `GET /v1/config` answers, and `config show --json` prints: every setting, and where it comes from. Passwords are hidden.
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
