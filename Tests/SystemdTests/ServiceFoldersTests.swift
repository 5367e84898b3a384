import Systemd
import Testing

@Suite struct ServiceFoldersTests {
    @Test func theFirstOfSeveralFoldersCounts() {
        let folders = ServiceFolders(state: "/var/lib/clusterd/blue:/var/lib/more", runtime: "/run/clusterd/blue")
        #expect(folders.state == "/var/lib/clusterd/blue" && folders.runtime == "/run/clusterd/blue")
    }

    @Test(arguments: [nil, "", ":", "relative"])
    func anInvalidFolderIsIgnored(text: String?) {
        #expect(ServiceFolders(state: text, runtime: text) == ServiceFolders(state: nil, runtime: nil))
    }
}
