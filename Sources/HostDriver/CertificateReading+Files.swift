import ClusterModel
import Planner
import RedisClient

extension CertificateReading {
    /// The TLS files of all nodes: unusable files first, then the expiry of each.
    static func all(of spec: ClusterSpec) -> [CertificateReading] {
        var readings: [CertificateReading] = []
        func add(_ reading: CertificateReading) {
            if !readings.contains(reading) { readings.append(reading) }
        }
        let sets = spec.certificatesByNode.map(\.files)
        for complaint in sets.flatMap(CertificateFiles.complaints) {
            add(CertificateReading(path: "", trouble: complaint.description))
        }
        for files in sets {
            for path in files.paths {
                let isAuthority = path != files.certificate && path != files.clientCertificate
                guard let end = try? CertificateFiles.end(of: path, isAuthority: isAuthority) else { continue }
                add(CertificateReading(path: path, ends: WallTime(milliseconds: end * 1000)))
            }
        }
        return readings
    }
}
