import Glibc

/// Reads time zone files and folders of them.
enum ZoneFiles {
  enum File {
    case bytes([UInt8], FileState)
    /// There is no such file, or it is a folder.
    case absent
    case unreadable(String)
  }

  /// One byte over the limit of what is parsed, so that a larger file is refused by the parser with its own words.
  private static let readAtMost = 256 * 1024 + 1

  static func read(_ path: String, atMost limit: Int = readAtMost) -> File {
    // Without O_NONBLOCK a pipe of this name would hold up the caller for ever.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard file >= 0 else {
      return [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG].contains(errno) ? .absent : .unreadable(lastError())
    }
    defer { close(file) }
    var status = Glibc.stat()
    guard fstat(file, &status) == 0 else { return .unreadable(lastError()) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: return .absent
    default: return .unreadable("not a regular file")
    }
    // Taken before the bytes: a file that is written meanwhile then differs from it.
    let state = FileState(status)
    var bytes = [UInt8](repeating: 0, count: limit)
    var count = 0
    while count < limit {
      let got = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(file, buffer.baseAddress.map { $0 + count }, limit - count)
      }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { return .unreadable(lastError()) }
      if got == 0 { break }
      count += got
    }
    bytes.removeSubrange(count...)
    return .bytes(bytes, state)
  }

  /// What is known of the file at a path without opening it; nil when there is none, or no way to tell.
  static func state(of path: String) -> FileState? {
    var status = Glibc.stat()
    return stat(path, &status) == 0 ? FileState(status) : nil
  }

  /// The names of all TZif files in the folder and three levels of folders below it.
  static func names(in folder: String) -> Set<String> {
    var names: Set<String> = []
    var open: [(prefix: String, depth: Int)] = [("", 0)]
    while let (prefix, depth) = open.popLast() {
      for entry in entries(of: folder + "/" + prefix) {
        let name = prefix + entry
        guard ZoneName.problem(in: name) == nil, !ZoneName.isExcluded(name) else { continue }
        switch read(folder + "/" + name, atMost: 4) {
        case .bytes(let bytes, _): if bytes.elementsEqual("TZif".utf8) { names.insert(name) }
        case .absent: if depth < 3 { open.append((name + "/", depth + 1)) }
        case .unreadable: continue
        }
      }
    }
    return names
  }

  private static func entries(of folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var entries: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      entries.append(name)
    }
    return entries
  }

  private static func lastError() -> String { String(cString: strerror(errno)) }
}
