import Testing

@testable import Systemd

@Suite struct JournalTests {
    @Test func theJournalStreamIsRecognizedByDeviceAndInode() {
        #expect(Journal.isStream("9:41", device: 9, inode: 41))
        for text in ["9:42", "8:41", "9", "9:41:1", ":", "", "a:b"] {
            #expect(!Journal.isStream(text, device: 9, inode: 41), "\(text)")
        }
    }
}
