import Foundation
import Model
import TestSupport
import Testing

@testable import Git

/// What hostile commits hold: made byte by byte, because git itself refuses to make them.
@Suite struct SecurityCorpusTests {
  struct Row: CustomTestStringConvertible {
    var name: [UInt8]
    var mode: UInt32 = TreeEntry.fileMode
    var kind = TreeFile.Kind.refused
    var path: String?

    init(_ name: String, mode: UInt32 = TreeEntry.fileMode, kind: TreeFile.Kind = .refused, path: String? = nil) {
      self.init(Array(name.utf8), mode: mode, kind: kind, path: path)
    }

    init(_ name: [UInt8], mode: UInt32 = TreeEntry.fileMode, kind: TreeFile.Kind = .refused, path: String? = nil) {
      (self.name, self.mode, self.kind, self.path) = (name, mode, kind, path)
    }

    var testDescription: String { "\(EntryName.escaped(name)) \(String(mode, radix: 8))" }
  }

  static let rows = [
    Row(".."), Row("."), Row(""), Row("../canary"), Row("/etc/passwd"), Row("a/b"), Row("a/../../canary"),
    Row(".git"), Row(".GIT"), Row(".Git"), Row(".git."), Row(".git "), Row(".git::$INDEX_ALLOCATION"), Row("git~1"),
    Row("GIT~1"), Row(".g\u{200c}it"), Row("a\rb", path: "a\\x0db"), Row("a\nb", path: "a\\x0ab"), Row("a\tb"),
    Row("a\u{1b}[2Jb", path: "a\\x1b[2Jb"), Row("a\u{7f}"), Row([0x61, 0xff], path: "a\\xff"), Row([0xc0, 0xaf]),
    Row("a\u{9b}31m"), Row("a\u{202e}txt"), Row("a\u{2028}b"), Row([UInt8](repeating: 0x61, count: 256)),
    Row("odd", mode: 0o100664), Row("odd", mode: 0o100777), Row("odd", mode: 0o104755), Row("odd", mode: 0o010644),
    Row("odd", mode: 0), Row("..", mode: TreeEntry.folderMode), Row(".git", mode: TreeEntry.folderMode),
    Row("..", mode: TreeEntry.symlinkMode), Row("..", mode: TreeEntry.submoduleMode),
    Row("link", mode: TreeEntry.symlinkMode, kind: .symlink),
    Row("module", mode: TreeEntry.submoduleMode, kind: .submodule),
    Row(".gitignore", kind: .file), Row(".gitmodules", kind: .file), Row("git", kind: .file), Row("...", kind: .file),
    Row("C:\\x", kind: .file), Row("-rf", kind: .file), Row("é", kind: .file), Row("日本", kind: .file),
    Row("a b", kind: .file),
    Row([UInt8](repeating: 0x61, count: 255), kind: .file),
  ]

  @Test(arguments: rows) func entry(_ row: Row) throws {
    let hostile = try Hostile()
    let canary = try hostile.folder.write("canary", "secret")
    let content =
      row.mode == TreeEntry.folderMode
      ? try hostile.tree([.init(mode: TreeEntry.fileMode, name: [0x61], id: hostile.blob(canary))])
      : try hostile.blob(canary)
    let tip = try hostile.commit(hostile.tree([.init(mode: row.mode, name: row.name, id: content)]))
    let repository = try Repository.open(at: hostile.path)

    let files = try repository.listing(of: tip)
    #expect(files.count == 1)
    #expect(files.first?.kind == row.kind)
    #expect((files.first?.problem != nil) == (row.kind == .refused))
    #expect(files.first?.path == row.path ?? files.first?.path)
    #expect(files.first?.path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } == true)
    if row.kind != .file {
      #expect(
        try repository.file(at: String(decoding: row.name, as: UTF8.self), in: tip) == nil || row.kind == .refused)
    }
    // What is refused when it is read is refused when it is written, unless it only looks like two names.
    if let text = String(validating: row.name, as: UTF8.self), row.mode == TreeEntry.fileMode, text != "a/b",
      text != "odd"
    {
      #expect((gitError { _ = try EntryName.components(ofPath: text) } == nil) == (row.kind == .file))
    }
    // The file system has what it had before.
    #expect(try Set(FileManager.default.contentsOfDirectory(atPath: hostile.folder.path)) == ["canary", "hostile.git"])
  }

  @Test func linksAreNotFollowed() throws {
    let hostile = try Hostile()
    let target = try hostile.blob(hostile.folder.write("target", hostile.folder.path))
    let tip = try hostile.commit(
      hostile.tree([.init(mode: TreeEntry.symlinkMode, name: Array("link".utf8), id: target)]))
    let repository = try Repository.open(at: hostile.path)
    #expect(try repository.file(at: "link", in: tip) == nil)
    #expect(try repository.file(at: "link/target", in: tip) == nil)
    #expect(try repository.entries(inFolder: "link", of: tip) == [])
  }

  @Test(arguments: [["a", "a"], ["b", "a"], ["a", "a.b", "a/"]]) func namesThatReadersDisagreeAbout(_ names: [String])
    throws
  {
    let hostile = try Hostile()
    let blob = try hostile.blob(hostile.folder.write("x", "x"))
    let folder = try hostile.tree([.init(mode: TreeEntry.fileMode, name: [0x78], id: blob)])
    let tree = try hostile.tree(
      names.map { name in
        let isFolder = name.hasSuffix("/")
        return TreeEntry(
          mode: isFolder ? TreeEntry.folderMode : TreeEntry.fileMode,
          name: Array((isFolder ? name.dropLast() : name[...]).utf8), id: isFolder ? folder : blob)
      })
    let tip = try hostile.commit(hostile.tree([.init(mode: TreeEntry.folderMode, name: [0x64], id: tree)]))
    let files = try Repository.open(at: hostile.path).listing(of: tip)
    #expect(files.map(\.kind) == [.refused])
    #expect(files.map(\.path) == ["d"])
  }

  @Test func treesThatStandForBillionsOfFiles() throws {
    let hostile = try Hostile()
    let blob = try hostile.blob(hostile.folder.write("x", "x"))
    var tree = try hostile.tree([.init(mode: TreeEntry.fileMode, name: [0x78], id: blob)])
    for _ in 0..<30 {
      tree = try hostile.tree((0x61...0x6a).map { .init(mode: TreeEntry.folderMode, name: [$0], id: tree) })
    }
    let tip = try hostile.commit(tree)
    let repository = try Repository.open(at: hostile.path)
    #expect(gitError { _ = try repository.listing(of: tip, limits: ListingLimits(entries: 20_000)) }?.kind == .tooLarge)
    // Copying it takes each tree once.
    let mirror = try Repository.createBare(at: hostile.folder.path("mirror.git"))
    #expect(try mirror.fetch("main", from: Remote(url: hostile.path), into: "main").tip == tip)
  }

  @Test(arguments: [
    "", "40000", "100644 a", "100644 a\0short", "abc a\0aaaaaaaaaaaaaaaaaaaa", "100644aaaaaaaaaaaaaaaaaaaaaaaaaaa",
  ])
  func brokenTree(_ text: String) throws {
    guard !text.isEmpty else { return }
    let hostile = try Hostile()
    let tip = try hostile.commit(hostile.rawTree(Array(text.utf8)))
    #expect(gitError { _ = try Repository.open(at: hostile.path).listing(of: tip) }?.kind == .corrupt)
  }
}

/// A bare repository whose objects are written without git's checks.
private struct Hostile {
  let folder: TemporaryFolder
  var path: String { folder.path("hostile.git") }

  init() throws {
    folder = try TemporaryFolder("belfry-hostile")
    try git("init", "-q", "-b", "main", "--bare", "hostile.git", in: folder.path)
  }

  func blob(_ file: String) throws -> ObjectID { try id(git("hash-object", "-w", file, in: path)) }

  func tree(_ entries: [TreeEntry]) throws -> ObjectID { try rawTree(TreeObject.bytes(entries)) }

  func rawTree(_ bytes: [UInt8]) throws -> ObjectID {
    let file = try folder.write("hostile.git/raw", bytes: bytes)
    return try id(git("hash-object", "-w", "-t", "tree", "--literally", file, in: path))
  }

  /// By hand: git's own commands look into the tree.
  func commit(_ tree: ObjectID) throws -> CommitID {
    let text = "tree \(tree)\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nhostile\n"
    let file = try folder.write("hostile.git/raw", text)
    let commit = try git("hash-object", "-w", "-t", "commit", "--literally", file, in: path)
    try folder.write("hostile.git/refs/heads/main", commit + "\n")
    return try CommitID(commit)
  }

  private func id(_ hex: String) throws -> ObjectID { try #require(ObjectID(hex: hex)) }
}
