extension ConfigurationKey {
    package typealias Property<Value> = WritableKeyPath<ClusterSpec, Value>

    /// How conf.d writes a value, and which property of the spec has it. The reader has code for each form, not for each key. Unless a
    /// form says otherwise, null stands for the default.
    package enum Form {
        /// Letters, digits, `-`, `_` and `.`.
        case name(Property<String>)
        case text(Property<String>)
        case optionalText(Property<String?>)
        /// Null means none, not the default.
        case textOrNull(Property<String?>)
        /// Absolute.
        case path(Property<String>)
        /// An absolute path; without one, the socket is in the data folder.
        case socket(Property<String?>)
        /// An IP address or a host name.
        case host(Property<String?>)
        /// IP addresses, without ports.
        case addresses(Property<[String]>)
        /// An IP address with a port.
        case networkAddress(Property<ClusterSpec.NetworkAddress?>)
        case ports(Property<ClusterSpec.PortChoice>)
        case count(Property<Int>, ClosedRange<Int>)
        case size(Property<Int64>)
        /// Null means no limit, not the default.
        case sizeOrNull(Property<Int64?>)
        /// The kernel's limit for a node; 0: no limit.
        case memoryLimit(Property<Int64?>)
        case duration(Property<Duration>)
        case durationRange(Property<ClusterSpec.Supervision.RestartDelay>)
        /// `never`, `when-idle`, or a duration.
        case failback(Property<ClusterSpec.Supervision.Failback>)
        case choice(Choice)
        /// `ClusterSpec.login` consists of two keys, and neither is valid without the other.
        case loginUser
        case loginPassword

        /// Whether null is a value like others, not the default.
        package var nullIsAValue: Bool {
            switch self {
            case .textOrNull, .sizeOrNull: true
            default: false
            }
        }
    }

    /// A property that is one of several words.
    package struct Choice {
        package let words: [String]
        /// Gives the spec the value of a word.
        package let choose: (inout ClusterSpec, String) -> Void
        fileprivate let chosen: (ClusterSpec) -> String

        init<Value: RawRepresentable & CaseIterable>(_ property: Property<Value>) where Value.RawValue == String {
            words = Value.allCases.map(\.rawValue)
            choose = { spec, word in
                if let value = Value(rawValue: word) { spec[keyPath: property] = value }
            }
            chosen = { spec in spec[keyPath: property].rawValue }
        }
    }

    /// The value as conf.d has it. Passwords are hidden.
    package func text(_ spec: ClusterSpec) -> String {
        switch form {
        case .name(let property), .text(let property), .path(let property): spec[keyPath: property]
        case .optionalText(let property), .textOrNull(let property), .host(let property):
            spec[keyPath: property] ?? "null"
        case .socket(let property): spec[keyPath: property] ?? spec.dataDirectory + "/control.sock"
        case .addresses(let property): spec[keyPath: property].joined(separator: " ")
        case .networkAddress(let property): spec[keyPath: property]?.description ?? "null"
        case .ports(let property): spec[keyPath: property].configured
        case .count(let property, _): String(spec[keyPath: property])
        case .size(let property): spec[keyPath: property].configuredBytes
        case .sizeOrNull(let property), .memoryLimit(let property): spec[keyPath: property]?.configuredBytes ?? "null"
        case .duration(let property): spec[keyPath: property].configured
        case .durationRange(let property): spec[keyPath: property].configured
        case .failback(let property): spec[keyPath: property].configured
        case .choice(let choice): choice.chosen(spec)
        case .loginUser: spec.login?.user ?? "null"
        case .loginPassword: spec.login == nil ? "null" : "(hidden)"
        }
    }

    package func differs(_ old: ClusterSpec, _ new: ClusterSpec) -> Bool {
        func isOther<Value: Equatable>(_ property: Property<Value>) -> Bool {
            old[keyPath: property] != new[keyPath: property]
        }
        return switch form {
        case .name(let property), .text(let property), .path(let property): isOther(property)
        case .optionalText(let property), .textOrNull(let property), .host(let property), .socket(let property):
            isOther(property)
        case .addresses(let property): isOther(property)
        case .networkAddress(let property): isOther(property)
        case .ports(let property): isOther(property)
        case .count(let property, _): isOther(property)
        case .size(let property): isOther(property)
        case .sizeOrNull(let property), .memoryLimit(let property): isOther(property)
        case .duration(let property): isOther(property)
        case .durationRange(let property): isOther(property)
        case .failback(let property): isOther(property)
        case .choice(let choice): choice.chosen(old) != choice.chosen(new)
        case .loginUser: old.login?.user != new.login?.user
        case .loginPassword: old.login != new.login
        }
    }

    /// Gives the first the value of the second.
    package func keep(_ spec: inout ClusterSpec, _ old: ClusterSpec) {
        switch form {
        case .name(let property), .text(let property), .path(let property):
            spec[keyPath: property] = old[keyPath: property]
        case .optionalText(let property), .textOrNull(let property), .host(let property), .socket(let property):
            spec[keyPath: property] = old[keyPath: property]
        case .addresses(let property): spec[keyPath: property] = old[keyPath: property]
        case .networkAddress(let property): spec[keyPath: property] = old[keyPath: property]
        case .ports(let property): spec[keyPath: property] = old[keyPath: property]
        case .count(let property, _): spec[keyPath: property] = old[keyPath: property]
        case .size(let property): spec[keyPath: property] = old[keyPath: property]
        case .sizeOrNull(let property), .memoryLimit(let property): spec[keyPath: property] = old[keyPath: property]
        case .duration(let property): spec[keyPath: property] = old[keyPath: property]
        case .durationRange(let property): spec[keyPath: property] = old[keyPath: property]
        case .failback(let property): spec[keyPath: property] = old[keyPath: property]
        case .choice(let choice): choice.choose(&spec, choice.chosen(old))
        case .loginUser, .loginPassword: spec.login = old.login
        }
    }
}

extension ClusterSpec.PortChoice {
    /// `7000`, `7000 7002`, `7000-7099`.
    fileprivate var configured: String {
        switch self {
        case .from(let port): String(port)
        case .list(let ports): ports.map(String.init).joined(separator: " ")
        case .range(let range): "\(range.lowerBound)-\(range.upperBound)"
        }
    }
}

extension ClusterSpec.Supervision.RestartDelay {
    /// `200ms..30s`
    fileprivate var configured: String { "\(first.configured)..\(last.configured)" }
}

extension ClusterSpec.Supervision.Failback {
    fileprivate var configured: String {
        switch self {
        case .never: "never"
        case .whenIdle: "when-idle"
        case .after(let time): time.configured
        }
    }
}

extension Duration {
    /// As conf.d has it: `10s`, `200ms`.
    package var configured: String {
        let milliseconds = inMilliseconds
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }
}

extension Int64 {
    /// As conf.d has it: `512mb`.
    package var configuredBytes: String {
        let units: [(String, Int64)] = [("gb", 1 << 30), ("mb", 1 << 20), ("kb", 1 << 10)]
        let unit = units.first { self >= $0.1 && self % $0.1 == 0 }
        return unit.map { "\(self / $0.1)\($0.0)" } ?? String(self)
    }
}
