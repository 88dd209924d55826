/// What `git fast-import` reads.
struct ImportStream {
  private(set) var bytes: [UInt8] = []

  struct File {
    var path: String
    var isExecutable = false
    var bytes: [UInt8]
  }

  /// Adds a commit on top of what the branch holds; `parent` names where a branch starts that the stream did not make.
  mutating func commit(
    to branch: String, at second: Int, parent: String? = nil, message: String = "bench", files: [File]
  ) {
    line("commit refs/heads/\(branch)")
    line("committer Bench <bench@example.com> \(second) +0000")
    data(Array(message.utf8))
    if let parent { line("from \(parent)") }
    for file in files {
      line("M \(file.isExecutable ? "100755" : "100644") inline \(file.path)")
      data(file.bytes)
    }
  }

  private mutating func data(_ content: [UInt8]) {
    line("data \(content.count)")
    bytes += content
    bytes.append(0x0a)
  }

  private mutating func line(_ text: String) { bytes += (text + "\n").utf8 }
}
