/// Why bytes are not the JSON that Belfry accepts, and where.
public struct JSONError: Error, Equatable, CustomStringConvertible {
  /// Byte offset from the start of the text; nil when the text was well-formed but a member was wrong.
  public let offset: Int?
  public let message: String

  public init(_ message: String, at offset: Int? = nil) {
    self.message = message
    self.offset = offset
  }

  public var description: String { offset.map { "at byte \($0): \(message)" } ?? message }
}

extension JSONValue {
  /// Reads one JSON text (RFC 8259) strictly: valid UTF-8, no duplicate keys, no floats or exponents, integers within
  /// `Int64`, nothing after the value.
  ///
  /// `limit` is the largest accepted size in bytes, `depth` the deepest nesting. With `decimals` a number such as `0.25` is
  /// read too, as `{"decimal":"0.25"}`, the form in which ``ParameterValue`` has it; exponents are not.
  public init(
    parsing bytes: some Collection<UInt8>, limit: Int, depth: Int = 32, decimals: Bool = false
  ) throws(JSONError) {
    guard bytes.count <= limit else { throw JSONError("\(bytes.count) bytes, over the limit of \(limit)") }
    var reader = JSONReader(Array(bytes), decimals: decimals)
    self = try reader.document(depth: depth)
  }
}

private struct JSONReader {
  private let bytes: [UInt8]
  private let decimals: Bool
  private var index = 0

  init(_ bytes: [UInt8], decimals: Bool) {
    self.bytes = bytes
    self.decimals = decimals
  }

  mutating func document(depth: Int) throws(JSONError) -> JSONValue {
    let value = try value(depth: depth)
    skipSpace()
    guard index == bytes.count else { throw error("text after the value") }
    return value
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    skipSpace()
    guard index < bytes.count else { throw error("the text ends where a value should stand") }
    switch bytes[index] {
    case 0x7b where depth <= 0, 0x5b where depth <= 0: throw error("nested too deeply")
    case 0x7b: return try object(depth: depth - 1)
    case 0x5b: return try array(depth: depth - 1)
    case 0x22: return .string(try string())
    case 0x2d, 0x30...0x39: return try number()
    default:
      if takeWord("null") { return .null }
      if takeWord("true") { return .bool(true) }
      if takeWord("false") { return .bool(false) }
      throw error("no JSON value begins like this")
    }
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
    index += 1
    var members: [JSONValue.Member] = []
    var keys = Set<String>()
    skipSpace()
    if take(0x7d) { return .object([]) }
    repeat {
      skipSpace()
      guard index < bytes.count, bytes[index] == 0x22 else { throw error("want a key in quotes") }
      let key = try string()
      guard keys.insert(key).inserted else { throw error("the key '\(key.prefix(60))' stands twice") }
      skipSpace()
      guard take(0x3a) else { throw error("want ':' after a key") }
      members.append(.init(key, try value(depth: depth)))
      skipSpace()
    } while take(0x2c)
    guard take(0x7d) else { throw error("want ',' or '}'") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
    index += 1
    var list: [JSONValue] = []
    skipSpace()
    if take(0x5d) { return .array([]) }
    repeat {
      list.append(try value(depth: depth))
      skipSpace()
    } while take(0x2c)
    guard take(0x5d) else { throw error("want ',' or ']'") }
    return .array(list)
  }

  private mutating func number() throws(JSONError) -> JSONValue {
    let text = bytes[index...].prefix { (0x30...0x39).contains($0) || $0 == 0x2d || $0 == 0x2e }
    guard decimals, text.contains(0x2e) else { return .integer(try integer()) }
    let decimal = String(decoding: text, as: UTF8.self)
    guard ParameterValue.isDecimal(decimal) else { throw error("not a decimal number of up to 40 characters") }
    index += text.count
    if index < bytes.count, bytes[index] | 0x20 == 0x65 { throw error("numbers must be without exponent") }
    return ["decimal": .string(decimal)]
  }

  private mutating func integer() throws(JSONError) -> Int64 {
    let start = index
    let negative = take(0x2d)
    let digits = bytes[index...].prefix { (0x30...0x39).contains($0) }
    index += digits.count
    guard let first = digits.first, first != 0x30 || digits.count == 1 else { throw error("not a number") }
    if index < bytes.count, [0x2e, 0x65, 0x45].contains(bytes[index]) { throw error("numbers must be integers") }
    guard let number = Int64(String(decoding: bytes[start..<index], as: UTF8.self)), !(negative && number == 0)
    else { throw error("the integer is out of range") }
    return number
  }

  private mutating func string() throws(JSONError) -> String {
    index += 1
    var out: [UInt8] = []
    while true {
      let start = index
      while index < bytes.count, bytes[index] != 0x22, bytes[index] != 0x5c, bytes[index] >= 0x20 { index += 1 }
      out += bytes[start..<index]
      guard index < bytes.count else { throw error("a string without end") }
      guard bytes[index] >= 0x20 else { throw error("a control character in a string") }
      index += 1
      if bytes[index - 1] == 0x22 { break }
      try escape(into: &out)
    }
    guard let text = String(validating: out, as: UTF8.self) else { throw error("a string that is not UTF-8") }
    return text
  }

  private mutating func escape(into out: inout [UInt8]) throws(JSONError) {
    guard index < bytes.count else { throw error("a string without end") }
    let byte = bytes[index]
    index += 1
    switch byte {
    case 0x22, 0x5c, 0x2f: out.append(byte)
    case 0x62: out.append(0x08)
    case 0x66: out.append(0x0c)
    case 0x6e: out.append(0x0a)
    case 0x72: out.append(0x0d)
    case 0x74: out.append(0x09)
    case 0x75:
      var code = try hex4()
      if (0xd800..<0xdc00).contains(code), take(0x5c), take(0x75) {
        let low = try hex4()
        guard (0xdc00..<0xe000).contains(low) else { throw error("half of a surrogate pair") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair") }
      out += String(Character(scalar)).utf8
    default: throw error("an unknown escape")
    }
  }

  private mutating func hex4() throws(JSONError) -> UInt32 {
    guard index + 4 <= bytes.count,
      bytes[index..<index + 4].allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x46).contains($0 & 0xdf) }),
      let code = UInt32(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16)
    else { throw error("want four hexadecimal digits") }
    index += 4
    return code
  }

  private mutating func skipSpace() {
    while index < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[index]) { index += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard index < bytes.count, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  private mutating func takeWord(_ word: String) -> Bool {
    guard bytes[index...].starts(with: word.utf8) else { return false }
    index += word.utf8.count
    return true
  }

  private func error(_ message: String) -> JSONError { JSONError(message, at: index) }
}
