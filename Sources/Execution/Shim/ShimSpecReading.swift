import Model

// A spec read back from a run folder: to recognise what a dead shim left running, and to repeat a run by hand.

extension ShimSpec {
  /// Reads what ``bytes()`` printed; `corrupted` for anything else.
  init(parsing bytes: [UInt8]) throws(ExecutionError) {
    var reader = Reader(bytes: bytes)
    guard bytes.starts(with: Self.magic) else { throw Self.notASpec }
    self.init(program: "", arguments: [])
    var (at, by): (Timestamp?, Timestamp?)
    var (id, group, groups): (UInt32?, UInt32?, [UInt32]?)
    while let (tag, value) = try reader.next() {
      switch tag {
      case .program: program = try Self.text(value)
      case .argument: arguments.append(try Self.text(value))
      case .variable: try addVariable(Self.text(value))
      case .timeout: timeout = .microseconds(try Self.number(value))
      case .grace: grace = .microseconds(try Self.number(value))
      case .linger: linger = .microseconds(try Self.number(value))
      case .head: head = Int(try Self.number(value))
      case .tail: tail = Int(try Self.number(value))
      case .descriptor: descriptor = Int32(clamping: try Self.number(value))
      case .crash: crashAt = ShimCrashPoint(rawValue: try Self.text(value))
      case .startAt: at = Timestamp(microseconds: try Self.number(value))
      case .startBy: by = Timestamp(microseconds: try Self.number(value))
      case .user: id = UInt32(try Self.number(value, in: JobUser.idRange))
      case .group: group = UInt32(try Self.number(value, in: JobUser.idRange))
      case .groups: groups = try Self.groups(value)
      case .nice: nice = Int(try Self.number(value, in: 0...39)) - 20
      case .openFiles: openFiles = Int(try Self.number(value, in: 3...1 << 30))
      case .stopSignal: stopSignal = Int32(try Self.number(value, in: 1...31))
      case .input: input = Array(value)
      case .keptFolder:
        keptFolder = try Self.text(value)
        guard keptFolder?.utf8.first == 0x2f else { throw Self.notASpec }
      case .cgroup:
        cgroup = try Self.path(value)
      case .userProcesses: userProcesses = Int(try Self.number(value, in: 1...1 << 22))
      case .isolation:
        isolation = Isolation(isFull: try Self.number(value, in: 1...2) == 2, writable: [], passing: "")
      case .writable, .shown, .hidden, .passing, .given: try addPath(Self.path(value), tag)
      case .disk: disk = Int(try Self.number(value, in: 1...1 << 50))
      case .secrets: secrets = Int32(try Self.number(value, in: 3...1_023))
      case .secretsFolder:
        secretsFolder = try Self.text(value)
        guard secretsFolder?.hasPrefix("/") == true else { throw Self.notASpec }
      }
    }
    if let at, let by { start = StartTime(at: at, by: by) }
    guard (at == nil) == (by == nil) else { throw Self.notASpec }
    if let id, let group, let groups { user = JobUser(id: id, group: group, groups: groups) }
    guard (id == nil) == (group == nil), (id == nil) == (groups == nil) else { throw Self.notASpec }
    if let isolation {
      let lists = [isolation.writable, isolation.given, isolation.shown, isolation.hidden]
      guard !isolation.passing.isEmpty, !isolation.writable.isEmpty,
        lists.allSatisfy({ $0.count <= Isolation.pathLimit })
      else { throw Self.notASpec }
    }
    guard !program.isEmpty, !arguments.isEmpty else { throw Self.notASpec }
  }

  fileprivate static let notASpec = ExecutionError(.corrupted, "this is not a spec for the shim")

  private mutating func addVariable(_ text: String) throws(ExecutionError) {
    guard let equals = text.firstIndex(of: "=") else { throw Self.notASpec }
    environment[String(text[..<equals])] = String(text[text.index(after: equals)...])
  }

  private mutating func addPath(_ path: String, _ tag: Tag) throws(ExecutionError) {
    switch tag {
    case .writable: isolation?.writable.append(path)
    case .shown: isolation?.shown.append(path)
    case .hidden: isolation?.hidden.append(path)
    case .given: isolation?.given.append(path)
    default: isolation?.passing = path
    }
    guard isolation != nil else { throw Self.notASpec }
  }

  private static func path(_ value: ArraySlice<UInt8>) throws(ExecutionError) -> String {
    let text = try text(value)
    guard text.hasPrefix("/"), text.utf8.count < 4_096 else { throw notASpec }
    return text
  }

  private static func text(_ value: ArraySlice<UInt8>) throws(ExecutionError) -> String {
    guard value.last == 0, !value.dropLast().contains(0) else { throw notASpec }
    return String(decoding: value.dropLast(), as: UTF8.self)
  }

  private static func groups(_ value: ArraySlice<UInt8>) throws(ExecutionError) -> [UInt32] {
    guard value.count.isMultiple(of: 4), value.count <= 4 * JobUser.groupLimit else { throw notASpec }
    let bytes = Array(value)
    return stride(from: 0, to: bytes.count, by: 4).map { bytes.number(at: $0) }
  }

  private static func number(
    _ value: ArraySlice<UInt8>, in range: ClosedRange<Int64>
  ) throws(ExecutionError) -> Int64 {
    let number = try number(value)
    guard range.contains(number) else { throw notASpec }
    return number
  }

  private static func number(_ value: ArraySlice<UInt8>) throws(ExecutionError) -> Int64 {
    guard value.count == 8 else { throw notASpec }
    return Array(value).number(at: 0)
  }
}

private struct Reader {
  let bytes: [UInt8]
  var index = ShimSpec.magic.count

  /// The next field; nil at the end mark, which must be the last thing there is.
  mutating func next() throws(ExecutionError) -> (ShimSpec.Tag, ArraySlice<UInt8>)? {
    guard bytes.count - index >= 8 else { throw ShimSpec.notASpec }
    let tag: UInt32 = bytes.number(at: index)
    let length = Int(bytes.number(at: index + 4, as: UInt32.self))
    index += 8
    if tag == ShimSpec.end, length == 0, index == bytes.count { return nil }
    guard let known = ShimSpec.Tag(rawValue: tag), bytes.count - index >= length else { throw ShimSpec.notASpec }
    defer { index += length }
    return (known, bytes[index..<index + length])
  }
}
