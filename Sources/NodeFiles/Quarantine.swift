import ClusterModel
import Glibc

/// `<data>/quarantine/`: keeps what was moved out of the way, in one folder for each move, with a note. Never overwrites or
/// deletes anything (invariant: last-copy).
package struct Quarantine: Sendable {
    package let root: String

    package init(root: String) { self.root = root }

    /// Moves files and folders out of a node's folder.
    ///
    /// Writes the note first. Each file is at one of its two places at any moment. After an interruption, the same call moves the
    /// remaining files into another folder.
    /// - Parameters:
    ///   - names: entries of `directory`; missing ones are skipped. nil: all of its contents.
    ///   - folder: `<time>-<node>`; a number is added if it is taken.
    ///   - note: the reason, in a sentence.
    /// - Returns: the path of the new folder; nil if there was nothing to move.
    @discardableResult
    package func move(
        _ names: [String]?, from directory: String, into folder: String, note: String
    ) throws(FileError) -> String? {
        var wanted = names ?? []
        if names == nil { wanted = try listDirectory(directory) }
        let present = try existing(wanted, in: directory)
        guard !present.isEmpty else { return nil }
        let target = try newFolder(folder, holding: present) { target in
            Note(why: note, from: directory, to: target, names: present, isCopy: false).text
        }
        for name in present {
            let (source, place) = ("\(directory)/\(name)", "\(target)/\(name)")
            if rename(source, place) == 0 { continue }
            guard errno == EXDEV else { throw FileError("move to quarantine", source, code: errno) }
            try copyDurably(source, to: place)
            try removeCopied(source, copy: place)
        }
        try syncDirectory(target)
        try syncDirectory(directory)
        return target
    }

    /// Keeps the current contents of a node's data files, and leaves the files in place. Uses hard links, or copies if the
    /// quarantine is on another file system or links are not allowed.
    ///
    /// A link shares its bytes with the original. Engines replace a dump, a rewritten append-only file and its manifest with a
    /// rename, so the kept ones do not change. But data appended to the last increment also appear here.
    /// - Parameters:
    ///   - names: files within `directory`, also one level down (`appendonlydir/…`), or folders.
    ///   - reading: the command with which the operator reads keys from a copy in /tmp/read.
    @discardableResult
    package func keepCopies(
        of names: [String], in directory: String, into folder: String, note: String, reading: String? = nil
    ) throws(FileError) -> String? {
        let present = try existing(names, in: directory)
        guard !present.isEmpty else { return nil }
        let target = try newFolder(folder, holding: present) { target in
            Note(why: note, from: directory, to: target, names: present, isCopy: true, reading: reading).text
        }
        for name in present {
            let parent = splitPath(name).directory
            if parent != "." { try makeDirectory("\(target)/\(parent)") }
            try linkOrCopy("\(directory)/\(name)", to: "\(target)/\(name)")
            if parent != "." { try syncDirectory("\(target)/\(parent)") }
        }
        try syncDirectory(target)
        return target
    }

    /// Removes a folder of second copies. Refuses any other folder, which it recognises by the note.
    package func discardCopies(_ folder: String) throws(FileError) {
        let path = "\(root)/\(folder)"
        guard !folder.contains("/"), !folder.hasPrefix("."), isDirectory(path), !isLink(path) else { return }
        let note = try readFile("\(path)/NOTE.txt", limit: 1 << 16)
        guard String(decoding: note, as: UTF8.self).contains(Note.copies) else {
            throw FileError("remove the copies in", path, code: EPERM)
        }
        // The note last, so that an interrupted removal can still be recognised.
        for name in try listDirectory(path) where name != "NOTE.txt" { try removeTree("\(path)/\(name)") }
        try removeTree(path)
    }

    private func existing(_ names: [String], in directory: String) throws(FileError) -> [String] {
        var present: [String] = []
        for name in names where !present.contains(name) {
            let parts = name.split(separator: "/", omittingEmptySubsequences: false)
            guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
                throw FileError("move to quarantine", "\(directory)/\(name)", code: EINVAL)
            }
            if access("\(directory)/\(name)", F_OK) == 0 || isLink("\(directory)/\(name)") { present.append(name) }
        }
        return present
    }

    private func newFolder(
        _ name: String, holding names: [String], note: (String) -> String
    ) throws(FileError) -> String {
        try makeDirectory(root)
        var target = "\(root)/\(name)"
        var number = 2
        while mkdir(target, 0o700) != 0 {
            guard errno == EEXIST else { throw FileError("create the folder", target, code: errno) }
            target = "\(root)/\(name)-\(number)"
            number += 1
        }
        try syncDirectory(root)
        let noteName = names.contains("NOTE.txt") ? "NOTE-of-quarantine.txt" : "NOTE.txt"
        try writeDurably(Array(note(target).utf8), to: "\(target)/\(noteName)", mode: 0o600)
        return target
    }
}

/// The note in a folder of the quarantine.
private struct Note {
    var why: String
    var from: String
    var to: String
    var names: [String]
    var isCopy: Bool
    var reading: String?

    static let copies = "These are second copies; the node went on with its own files."

    var text: String {
        let lines = names.map { name in
            isCopy
                ? "  cp -a \(ShellWord.quoted("\(to)/\(name)")) \(ShellWord.quoted("\(from)/\(name)"))"
                : "  mv -n \(ShellWord.quoted("\(to)/\(name)")) \(ShellWord.quoted("\(from)/\(name)"))"
        }
        return """
            why   \(why)
            from  \(from)
            \(isCopy ? Self.copies : "These were moved out of the way.")
            If a file that is named here is missing, the move was interrupted: the file is still in its old place, or in a
            folder next to this one.

            To put \(names.count == 1 ? "it" : "them") back, stop the cluster first (clusterd stop), and then:

            \(lines.joined(separator: "\n"))

            \(howToRead)The running cluster needs nothing in this folder. Do not edit these files in place: they may be hard links.

            """
    }

    private var howToRead: String {
        guard let reading else { return "" }
        return """
            To read keys without touching these files:

              cp -a \(ShellWord.quoted(to)) /tmp/read && \(reading)
              redis-cli -s /tmp/read/read.sock


            """
    }
}
