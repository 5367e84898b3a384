import Systemd
import Testing

@Suite struct ServiceUnitTests {
    @Test(arguments: [
        ("0::/system.slice/clusterd.service\n", "clusterd"),
        ("0::/system.slice/system-clusterd.slice/clusterd@blue.service/main\n", "clusterd@blue"),
        ("4:memory:/\n1:name=systemd:/system.slice/clusterd.service\n0::/\n", "clusterd"),
        ("0::/user.slice/user-1000.slice/session-2.scope\n", nil), ("0::/\n", nil), ("", nil),
    ])
    func theUnitNameIsReadFromTheCgroup(text: String, unit: String?) {
        #expect(ServiceUnit.name(inGroups: text) == unit)
    }
}
