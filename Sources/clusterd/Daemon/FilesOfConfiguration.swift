import ClusterConfiguration
import ClusterModel
import Glibc
import NodeFiles

/// Checks that need this host: missing files, folders that are identical through a link, ACL files.
enum FilesOfConfiguration {
    static func complaints(_ spec: ClusterSpec) -> [String] {
        var lines: [String] = []
        let places = spec.folderPlaces.map {
            FolderRules.Place(node: $0.node, path: Paths.real($0.path), origin: $0.origin)
        }
        lines += FolderRules.complaints(places, dataDirectory: Paths.real(spec.dataDirectory)).map(\.description)
        for (name, directives) in [("", spec.directives)]
            + spec.overrides.sorted(by: { $0.key < $1.key }).map({
                ("nodes.\($0.key).", $0.value.directives)
            })
        {
            for directive in directives where ["aclfile", "loadmodule"].contains(directive.name) {
                guard let path = directive.arguments.first, path.hasPrefix("/") else { continue }
                let label = "\(directive.origin): \(name)redis.\(directive.name)"
                if access(path, F_OK) != 0, errno == ENOENT || errno == ENOTDIR {
                    lines.append("\(label): there is no \(path)")
                } else if directive.name == "aclfile", let bytes = try? readFile(path, limit: 4 << 20),
                    let why = AccessList(bytes).complaint(spec, file: path)
                {
                    lines.append("\(label): \(why)")
                }
            }
        }
        return lines
    }
}
