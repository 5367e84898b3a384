import ClusterModel

/// The replies of many nodes to one command, in the order of their names.
package struct CallDocument: Hashable, Sendable, Codable {
    package var answers: [CallAnswer]

    package init(answers: [CallAnswer]) { self.answers = answers }

    package var hasErrors: Bool { answers.contains { $0.error != nil } }
}

package struct CallAnswer: Hashable, Sendable, Codable {
    /// The types of the protocol (RESP).
    package enum Kind: String, Hashable, Sendable, Codable {
        case status, error, integer, bulk, array, null, boolean, double, map
    }

    package var node: NodeName
    package var host: String
    package var port: Int
    package var role: Role?
    /// The type of the reply; nil: there was none.
    package var type: Kind?
    /// A bulk or status reply is a string, or `{"base64": "…"}` if it is not UTF-8; within an array, a status is
    /// `{"status": "…"}` and an error `{"error": "…"}`; a map is an array of its keys and values in turn.
    package var reply: JSONValue
    /// The node's error message, or why there is no answer.
    package var error: String?
    package var milliseconds: Int64

    package init(
        node: NodeName, host: String, port: Int, role: Role?, type: Kind?, reply: JSONValue, error: String?,
        milliseconds: Int64
    ) {
        self.node = node
        self.host = host
        self.port = port
        self.role = role
        self.type = type
        self.reply = reply
        self.error = error
        self.milliseconds = milliseconds
    }
}

/// The address of a node, and the credentials for it.
package struct LoginDocument: Hashable, Sendable, Codable {
    package var node: NodeName
    package var host: String
    package var port: Int
    package var user: String?
    package var password: String?
    /// The engine's server program. Its client is often next to it.
    package var server: String
    /// nil: the node does not use TLS.
    package var tls: TLSFiles?

    /// The paths of the files that a client needs for TLS.
    package struct TLSFiles: Hashable, Sendable, Codable {
        package var certificate: String
        package var key: String
        package var authorityFile: String?
        package var authorityFolder: String?

        package init(certificate: String, key: String, authorityFile: String?, authorityFolder: String?) {
            self.certificate = certificate
            self.key = key
            self.authorityFile = authorityFile
            self.authorityFolder = authorityFolder
        }
    }

    package init(
        node: NodeName, host: String, port: Int, user: String?, password: String?, server: String, tls: TLSFiles? = nil
    ) {
        self.node = node
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.server = server
        self.tls = tls
    }
}
