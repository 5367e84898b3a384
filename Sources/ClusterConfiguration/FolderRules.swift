import ClusterModel

/// Each node needs its own folder: not that of another node, not inside one, and not one that clusterd uses otherwise.
package enum FolderRules {
    package struct Place: Hashable, Sendable {
        package var node: NodeName
        /// Absolute.
        package var path: String
        package var origin: ClusterSpec.Origin

        package init(node: NodeName, path: String, origin: ClusterSpec.Origin) {
            self.node = node
            self.path = path
            self.origin = origin
        }
    }

    package static func complaints(_ places: [Place], dataDirectory: String) -> [ConfigurationError] {
        let data = normal(dataDirectory)
        var errors: [ConfigurationError] = []
        for (index, place) in places.enumerated() {
            let path = normal(place.path)
            guard let why = conflict(place.node, path, data) ?? conflict(path, places.prefix(index)) else { continue }
            errors.append(
                ConfigurationError(
                    origin: place.origin,
                    message: "\(NodeConfigurationKey.dataDirectory.path(of: place.node)): \(place.path) \(why)",
                    hint: "give each node its own folder"))
        }
        return errors
    }

    private static func conflict(_ path: String, _ others: some Sequence<Place>) -> String? {
        for other in others {
            let theirs = normal(other.path)
            if path == theirs { return "is also the folder of node \(other.node) (\(other.origin))" }
            if isInside(path, theirs) { return "is inside the folder of node \(other.node) (\(other.origin))" }
            if isInside(theirs, path) { return "contains the folder of node \(other.node) (\(other.origin))" }
        }
        return nil
    }

    private static func conflict(_ node: NodeName, _ path: String, _ data: String) -> String? {
        if path == data || isInside(data, path) { return "contains clusterd's own files (cluster.data-dir is \(data))" }
        if path == data + "/nodes/" + node.text { return nil }
        for name in ["nodes", "quarantine"] where path == "\(data)/\(name)" || isInside(path, "\(data)/\(name)") {
            return
                "is inside \(data)/\(name), where clusterd keeps \(name == "nodes" ? "the other nodes" : "the files that it moves away")"
        }
        return nil
    }

    private static func isInside(_ path: String, _ folder: String) -> Bool {
        path.hasPrefix(folder == "/" ? "/" : folder + "/")
    }

    /// The path without `.`, `..` and redundant slashes.
    package static func normal(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { parts = parts.dropLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}

extension ClusterSpec {
    /// The separately configured folders of nodes, in the order of their names.
    package var folderPlaces: [FolderRules.Place] {
        overrides.sorted { $0.key < $1.key }.compactMap { name, override in
            override.dataDirectory.map {
                .init(node: name, path: $0, origin: override.directoryOrigin ?? override.origin)
            }
        }
    }
}
