import ClusterModel

/// The place of a password outside the configuration.
package enum SecretSource: Hashable, Sendable {
    case file(String)
    /// A credential that systemd gives to the service (`LoadCredential=`, systemd.exec(5)).
    case credential(String)
}

extension SpecReader {
    /// Directives that are passwords: always one word, never shown.
    static let secrets = ["requirepass", "masterauth", "tls-key-file-pass", "tls-client-key-file-pass"]

    /// A placeholder for a credential that only the service can read.
    static let unknownSecret = "unknown"

    static let secretExpected = "for a password {file: PATH} or {credential: NAME}"

    /// The password to which a mapping leads; nil: the mapping is invalid. A placeholder if the password is not available here.
    mutating func secret(_ value: Settings.Value, _ members: [YAMLNode.Member], label: String) -> String? {
        guard members.count == 1, let word = members[0].value.scalar, let source = Self.source(members[0].key, word)
        else {
            refuse("a value, or \(Self.secretExpected) is expected", label, value.origin)
            return nil
        }
        if case .credential(let name) = source, !Self.isCredentialName(name) {
            refuse(
                "'\(name)' is not a credential name: it must be a file name without '/' and ':'", label, value.origin)
            return nil
        }
        do {
            guard let text = try readSecret(source) else {
                let message = "\(label): the credential '\(word)' is available only to the service and was not checked"
                warnings.append(ConfigurationError(origin: value.origin, message: message))
                return Self.unknownSecret
            }
            let secret = text.hasSuffix("\n") ? String(text.dropLast()) : text
            if secret.isEmpty {
                refuse("\(members[0].key) \(word) is empty: a password is required", label, value.origin)
            }
            return secret
        } catch {
            refuse("\(error)", label, value.origin)
            return nil
        }
    }

    /// The ACL user with which clusterd logs in to its nodes. It must have a password.
    mutating func login() -> ClusterSpec.Login? {
        let user = text(.loginUser)
        var password: String?
        let label = ConfigurationKey.loginPassword.path
        let given = settings.values[.loginPassword].flatMap { $0.node.isNull ? nil : $0 }
        if let given {
            if case .mapping(let members) = given.node.content {
                guard let secret = secret(given, members, label: label) else { return nil }
                password = secret
            } else {
                password = text(.loginPassword)
            }
        }
        switch (user, password) {
        case (let user?, let password?) where !user.isEmpty && !user.contains(" ") && !password.isEmpty:
            return .init(user: user, password: password)
        case (nil, nil): break
        case (nil, _): fail(.loginPassword, "it needs engine.auth-user, which is not set")
        case (_, nil): fail(.loginUser, "it needs a password", hint: "set engine.auth-pass: {file: PATH}")
        default: fail(.loginUser, "an ACL user needs a name without spaces, and a password")
        }
        return nil
    }

    mutating func refuse(_ message: String, _ label: String, _ origin: ClusterSpec.Origin) {
        errors.append(ConfigurationError(origin: origin, message: "\(label): \(message)"))
    }

    private static func source(_ key: String, _ word: String) -> SecretSource? {
        switch key {
        case "file": .file(word)
        case "credential": .credential(word)
        default: nil
        }
    }

    /// `credential_name_valid`, src/shared/creds-util.c of systemd.
    private static func isCredentialName(_ name: String) -> Bool {
        (1...255).contains(name.utf8.count) && name != "." && name != ".."
            && name.utf8.allSatisfy { $0 > 31 && $0 < 127 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
    }
}
