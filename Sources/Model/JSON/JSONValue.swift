/// A JSON value as Belfry's signed objects use it (RFC 8259, narrowed): no floats, so that a number has one meaning
/// everywhere, and objects keep the order of their members, so that printing is deterministic.
public enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// One member of an object.
  public struct Member: Hashable, Sendable {
    public var key: String
    public var value: JSONValue
    public init(_ key: String, _ value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  /// An object from pairs; members whose value is nil are left out.
  public static func members(_ pairs: KeyValuePairs<String, JSONValue?>) -> JSONValue {
    .object(pairs.compactMap { pair in pair.value.map { Member(pair.key, $0) } })
  }

  /// An object from a dictionary, its keys in ascending order.
  public static func sorted(_ map: [String: JSONValue]) -> JSONValue {
    .object(map.sorted { $0.key < $1.key }.map { Member($0.key, $0.value) })
  }

  public static func strings(_ list: some Sequence<String>) -> JSONValue { .array(list.map(JSONValue.string)) }

  public static func timestamp(_ time: Timestamp) -> JSONValue { .string(time.description) }

  /// Milliseconds as an integer: how every duration stands in JSON, under a key that ends in `Ms`.
  public static func milliseconds(_ duration: Duration) -> JSONValue { .integer(duration.wholeMilliseconds) }

  /// The value of the first member with the key; nil for another kind of value.
  public subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  public var stringValue: String? { if case .string(let text) = self { text } else { nil } }
  public var integerValue: Int64? { if case .integer(let number) = self { number } else { nil } }
  public var boolValue: Bool? { if case .bool(let flag) = self { flag } else { nil } }
  public var arrayValue: [JSONValue]? { if case .array(let list) = self { list } else { nil } }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  public init(stringLiteral text: String) { self = .string(text) }
  public init(integerLiteral number: Int64) { self = .integer(number) }
  public init(booleanLiteral flag: Bool) { self = .bool(flag) }
}
