extension JSONValue {
  /// The one compact form, in UTF-8: no white space, members in their order, control characters, `"`, `\` and
  /// U+007F escaped, everything else as itself. It holds no line break, so it can be a line of an `.ndjson` file.
  public var bytes: [UInt8] {
    var out: [UInt8] = []
    write(to: &out)
    return out
  }

  /// ``bytes`` as a string.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Indented by two spaces, with a line break at the end: for people.
  public var prettyText: String {
    var out: [UInt8] = []
    write(to: &out, indent: 0)
    return String(decoding: out, as: UTF8.self) + "\n"
  }

  private func write(to out: inout [UInt8], indent: Int? = nil) {
    switch self {
    case .null: out += "null".utf8
    case .bool(let flag): out += (flag ? "true" : "false").utf8
    case .integer(let number): out += String(number).utf8
    case .string(let text): Self.write(text, to: &out)
    case .array(let list):
      Self.write(list, "[", "]", to: &out, indent: indent) { value, out, inner in
        value.write(to: &out, indent: inner)
      }
    case .object(let members):
      Self.write(members, "{", "}", to: &out, indent: indent) { member, out, inner in
        Self.write(member.key, to: &out)
        out += (inner == nil ? ":" : ": ").utf8
        member.value.write(to: &out, indent: inner)
      }
    }
  }

  private static func write<Element>(
    _ elements: [Element], _ open: Unicode.Scalar, _ close: Unicode.Scalar, to out: inout [UInt8], indent: Int?,
    each: (Element, inout [UInt8], Int?) -> Void
  ) {
    out.append(UInt8(open.value))
    for (index, element) in elements.enumerated() {
      if index > 0 { out.append(0x2c) }
      if let indent { out += ("\n" + String(repeating: "  ", count: indent + 1)).utf8 }
      each(element, &out, indent.map { $0 + 1 })
    }
    if let indent, !elements.isEmpty { out += ("\n" + String(repeating: "  ", count: indent)).utf8 }
    out.append(UInt8(close.value))
  }

  private static func write(_ text: String, to out: inout [UInt8]) {
    out.append(0x22)
    for byte in text.utf8 {
      switch byte {
      case 0x22: out += [0x5c, 0x22]
      case 0x5c: out += [0x5c, 0x5c]
      case 0x0a: out += [0x5c, 0x6e]
      case 0x0d: out += [0x5c, 0x72]
      case 0x09: out += [0x5c, 0x74]
      case 0..<0x20, 0x7f: out += "\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8
      default: out.append(byte)
      }
    }
    out.append(0x22)
  }
}
