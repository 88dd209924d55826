/// Reads a TZif file (RFC 9636), versions 1 to 4, and holds every count and index against what is there.
///
/// Of the file come out the changes of the offset from UT and the footer; designations, the daylight saving mark and
/// the standard and UT indicators have no bearing on when things are due.
struct TZifReader {
  /// The offset from UT in seconds east, from an instant on.
  struct Change: Hashable {
    var start: Int64
    var offset: Int
  }

  /// What a file says.
  struct Contents {
    /// In force before the first change (RFC 9636 section 3.2: the first local time type).
    var firstOffset: Int
    var changes: [Change]
    /// For the time after the last change; empty when nothing is known but the last offset.
    var footer: ArraySlice<UInt8>
  }

  /// Bytes of the largest file that is read; the largest that exists has under 4 KiB.
  static let largestFile = 256 * 1024
  /// RFC 9636 section 3.2: more than -25 h and less than 26 h.
  static let offsets = -89_999...93_599
  /// RFC 9636 section 3.2: transition times are at least -2^59; beyond them the sums below could overflow.
  private static let instants = -(Int64(1) << 59)...(Int64(1) << 59)

  private let bytes: [UInt8]
  private var index = 0

  static func read(_ bytes: [UInt8]) throws(TZifError) -> Contents {
    guard bytes.count <= largestFile else {
      throw TZifError("\(bytes.count) bytes, over the limit of \(largestFile)")
    }
    var reader = TZifReader(bytes)
    return try reader.contents()
  }

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  private mutating func contents() throws(TZifError) -> Contents {
    let first = try header()
    if first.version == 1 {
      let contents = try block(first, timeSize: 4)
      try end()
      return contents
    }
    // The first block is for readers that know only version 1; its counts say how much to skip.
    try skip(first.length(timeSize: 4), "the version 1 data block")
    let second = try header()
    guard second.version == first.version else { throw TZifError("the two headers have different versions", at: index) }
    var contents = try block(second, timeSize: 8)
    contents.footer = try footer()
    try end()
    return contents
  }

  private struct Header {
    var version: Int
    var isUTCount, isStandardCount, leapCount, timeCount, typeCount, characterCount: Int

    func length(timeSize: Int) -> Int {
      timeCount * (timeSize + 1) + typeCount * 6 + characterCount + leapCount * (timeSize + 4) + isStandardCount
        + isUTCount
    }
  }

  private mutating func header() throws(TZifError) -> Header {
    let start = index
    try need(44, "a TZif header")
    guard bytes[start..<start + 4].elementsEqual("TZif".utf8) else { throw TZifError("no TZif header", at: start) }
    let version: Int
    switch bytes[start + 4] {
    case 0: version = 1
    case 0x32...0x34: version = Int(bytes[start + 4] - 0x30)
    default: throw TZifError("an unknown version of TZif", at: start + 4)
    }
    // Fifteen bytes are kept for the future and have no meaning yet (RFC 9636 section 3.1).
    let counts = (0..<6).map { Int(unsigned32(start + 20 + $0 * 4)) }
    index = start + 44
    return Header(
      version: version, isUTCount: counts[0], isStandardCount: counts[1], leapCount: counts[2], timeCount: counts[3],
      typeCount: counts[4], characterCount: counts[5])
  }

  private mutating func block(_ header: Header, timeSize: Int) throws(TZifError) -> Contents {
    guard header.leapCount == 0 else {
      throw TZifError("the file counts leap seconds, and Belfry's instants do not (POSIX time)", at: index)
    }
    guard (1...256).contains(header.typeCount) else { throw TZifError("no local time type", at: index) }
    guard header.characterCount > 0 else { throw TZifError("no time zone designation", at: index) }
    guard [0, header.typeCount].contains(header.isUTCount), [0, header.typeCount].contains(header.isStandardCount)
    else { throw TZifError("the counts of indicators do not fit the local time types", at: index) }
    try need(header.length(timeSize: timeSize), "the data block")

    let times = index
    let indices = times + header.timeCount * timeSize
    let types = indices + header.timeCount
    let offsets = try localTimeTypes(header, at: types)
    var changes: [Change] = []
    changes.reserveCapacity(header.timeCount)
    for place in 0..<header.timeCount {
      let at = times + place * timeSize
      let start = timeSize == 4 ? Int64(Int32(bitPattern: unsigned32(at))) : signed64(at)
      guard Self.instants.contains(start) else { throw TZifError("a transition time is out of range", at: at) }
      if let last = changes.last, last.start >= start { throw TZifError("transition times must ascend", at: at) }
      let type = Int(bytes[indices + place])
      guard type < offsets.count else { throw TZifError("no such local time type", at: indices + place) }
      changes.append(Change(start: start, offset: offsets[type]))
    }
    index += header.length(timeSize: timeSize)
    return Contents(firstOffset: offsets[0], changes: changes, footer: [])
  }

  /// The offsets of the local time types, each 6 bytes: offset, daylight saving mark, index of the designation.
  private func localTimeTypes(_ header: Header, at start: Int) throws(TZifError) -> [Int] {
    let characters = start + header.typeCount * 6
    guard bytes[characters + header.characterCount - 1] == 0 else {
      throw TZifError("a time zone designation has no end", at: characters + header.characterCount - 1)
    }
    var offsets: [Int] = []
    for place in 0..<header.typeCount {
      let at = start + place * 6
      let offset = Int(Int32(bitPattern: unsigned32(at)))
      guard Self.offsets.contains(offset) else { throw TZifError("an offset from UT is out of range", at: at) }
      guard bytes[at + 4] <= 1 else { throw TZifError("a daylight saving mark is neither 0 nor 1", at: at + 4) }
      guard bytes[at + 5] < header.characterCount else { throw TZifError("no such designation", at: at + 5) }
      offsets.append(offset)
    }
    return offsets
  }

  /// The text between the two line breaks after the version 2+ data block.
  private mutating func footer() throws(TZifError) -> ArraySlice<UInt8> {
    guard index < bytes.count, bytes[index] == 0x0a else { throw TZifError("the footer is missing", at: index) }
    guard let end = bytes[(index + 1)...].firstIndex(of: 0x0a) else {
      throw TZifError("the footer has no end", at: index)
    }
    defer { index = end + 1 }
    return bytes[(index + 1)..<end]
  }

  private func end() throws(TZifError) {
    guard index == bytes.count else { throw TZifError("bytes after the end", at: index) }
  }

  private func need(_ count: Int, _ what: String) throws(TZifError) {
    guard bytes.count - index >= count else { throw TZifError("the file ends within \(what)", at: bytes.count) }
  }

  private mutating func skip(_ count: Int, _ what: String) throws(TZifError) {
    try need(count, what)
    index += count
  }

  private func unsigned32(_ at: Int) -> UInt32 { bytes[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) } }

  private func signed64(_ at: Int) -> Int64 {
    Int64(bitPattern: bytes[at..<at + 8].reduce(0) { $0 << 8 | UInt64($1) })
  }
}
