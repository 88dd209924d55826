/// The grammar of the names that may become paths in the time zone folder.
enum ZoneName {
  /// What is wrong with the name, or nil: letters, digits, `_`, `+` and `-` in at most 4 segments between slashes, 64
  /// bytes in all. No name of the IANA database has a point, so that no path trick gets through.
  static func problem(in name: String) -> String? {
    guard !name.isEmpty else { return "the name of the time zone is empty" }
    guard name.utf8.count <= 64 else { return "the name of a time zone has at most 64 characters" }
    // Bytes, because a combining character would hide a slash from `Character`.
    let segments = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard segments.count <= 4, segments.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isAllowed) }) else {
      // Only what a terminal shows as itself goes into the message.
      let shown = name.unicodeScalars.map { (0x20..<0x7f).contains($0.value) ? String($0) : "?" }.joined()
      return "'\(shown)' is not the name of a time zone"
    }
    return nil
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  /// Files and folders of the database that are no zones of their own: `localtime` and `posixrules` mean another zone
  /// on each host, `Factory` means none, and the folders repeat the database, `right` with leap seconds.
  static let excluded: Set<String> = ["localtime", "posixrules", "Factory", "right", "posix"]

  static func isExcluded(_ name: String) -> Bool {
    excluded.contains(name.split(separator: "/", maxSplits: 1).first.map(String.init) ?? name)
  }

  /// These need no database.
  static let utc: Set<String> = ["UTC", "Etc/UTC"]
}
