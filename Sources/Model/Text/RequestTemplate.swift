/// A text with places for parameters and secrets, `${param.NAME}` and `${secret.NAME}`; `$${` stands for `${` itself.
///
/// What is filled in is encoded for the place where it stands, so no value can become more than a value there.
public struct RequestTemplate: Hashable, Sendable {
  public enum Part: Hashable, Sendable {
    case text(String)
    case parameter(String)
    case secret(SecretName)
  }

  public let parts: [Part]

  /// Throws a ``NameError`` for a place that is neither.
  public init(_ text: String) throws(NameError) {
    var parts: [Part] = []
    var literal = String.UnicodeScalarView()
    // By scalars: with a combining mark behind it, a brace is another character to Swift.
    var rest = text.unicodeScalars[...]
    while let dollar = rest.firstIndex(of: "$") {
      literal += rest[..<dollar]
      rest = rest[dollar...]
      if rest.starts(with: "$${".unicodeScalars) {
        literal += "${".unicodeScalars
        rest = rest.dropFirst(3)
      } else if rest.starts(with: "${".unicodeScalars) {
        guard let end = rest.firstIndex(of: "}") else { throw NameError("a '${' has no '}'") }
        if !literal.isEmpty { parts.append(.text(String(literal))) }
        literal = String.UnicodeScalarView()
        parts.append(try Self.place(Substring(rest[..<end].dropFirst(2))))
        rest = rest[end...].dropFirst()
      } else {
        literal.append("$")
        rest = rest.dropFirst()
      }
    }
    literal += rest
    if !literal.isEmpty { parts.append(.text(String(literal))) }
    self.parts = parts
  }

  private static func place(_ text: Substring) throws(NameError) -> Part {
    if text.hasPrefix("param.") {
      let name = String(text.dropFirst(6))
      guard !name.isEmpty, name.utf8.count <= 128, name.utf8.allSatisfy({ $0 == 0x5f || isWord($0) }) else {
        throw NameError("'\(name.prefix(60))' is not a parameter's name")
      }
      return .parameter(name)
    }
    if text.hasPrefix("secret.") { return .secret(try SecretName(String(text.dropFirst(7)))) }
    throw NameError(
      "'${\(text.prefix(60))}' is neither ${param.NAME} nor ${secret.NAME}; for the text itself, write $${")
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
  }

  /// The parameters that it needs.
  public var parameters: [String] { parts.compactMap { if case .parameter(let name) = $0 { name } else { nil } } }
  /// The secrets that it needs.
  public var secrets: [SecretName] { parts.compactMap { if case .secret(let name) = $0 { name } else { nil } } }

  /// How what is filled in is encoded.
  public enum Place: Sendable {
    /// A URL behind its host, or a form: percent-encoded but for letters, digits, `-`, `.`, `_` and `~` (RFC 3986, 2.3).
    case url
    /// As it is.
    case plain
    /// A JSON text: within quotes escaped, elsewhere as a JSON value of its kind.
    case json
  }

  /// The text; `parameter` and `secret` give what is filled in, nil for what there is not.
  public func filled(
    for place: Place, parameter: (String) -> ParameterValue?, secret: (SecretName) -> String?
  ) throws(NameError) -> String {
    var text = ""
    var isQuoted = false
    for part in parts {
      switch part {
      case .text(let literal):
        text += literal
        if case .json = place { Self.follow(literal, &isQuoted) }
      case .parameter(let name):
        guard let value = parameter(name) else { throw NameError("there is no parameter '\(name)'") }
        text += Self.encoded(value, for: place, isQuoted)
      case .secret(let name):
        guard let value = secret(name) else { throw NameError("there is no secret '\(name)'") }
        text += Self.encoded(.string(value), for: place, isQuoted)
      }
    }
    return text
  }

  /// Whether what follows the text stands in a JSON string.
  private static func follow(_ text: String, _ isQuoted: inout Bool) {
    var isEscaped = false
    for byte in text.utf8 {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\"), isQuoted {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isQuoted.toggle()
      }
    }
  }

  private static func encoded(_ value: ParameterValue, for place: Place, _ isQuoted: Bool) -> String {
    switch place {
    case .plain: value.text
    case .url: percentEncoded(value.text)
    // By bytes: a mark that joins a quote is no part of the quote.
    case .json:
      isQuoted
        ? String(decoding: JSONValue.string(value.text).bytes.dropFirst().dropLast(), as: UTF8.self)
        : value.plainJSONText
    }
  }

  static func percentEncoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      if isWord(byte) || [0x2d, 0x2e, 0x5f, 0x7e].contains(byte) {
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        encoded += "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return encoded
  }
}
