/// Reads the members of one JSON object by name and refuses those that nobody asked for.
///
/// An unknown member in a signed object means that the writer knew a rule which this reader does not; running without
/// it could be wrong, so ``finish()`` throws.
public struct JSONFields {
  private var members: [String: JSONValue]
  private let what: String

  /// `what` names the object in errors, such as `receipt.log`.
  public init(_ value: JSONValue?, _ what: String) throws(JSONError) {
    guard case .object(let list)? = value else { throw JSONError("\(what): want an object") }
    self.what = what
    self.members = Dictionary(list.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
  }

  /// Takes the member out; nil when it is absent or null.
  public mutating func take(_ key: String) -> JSONValue? {
    let value = members.removeValue(forKey: key)
    return value == .null ? nil : value
  }

  /// Takes the member and turns it into a value; `transform` gives nil for a value that does not fit.
  public mutating func optional<T>(_ key: String, _ transform: (JSONValue) throws -> T?) throws(JSONError) -> T? {
    guard let value = take(key) else { return nil }
    do {
      if let result = try transform(value) { return result }
    } catch {
      throw JSONError("\(what).\(key): \(error)")
    }
    throw JSONError("\(what).\(key): \(value.text.prefix(80)) does not fit")
  }

  public mutating func required<T>(_ key: String, _ transform: (JSONValue) throws -> T?) throws(JSONError) -> T {
    guard let value = try optional(key, transform) else { throw JSONError("\(what).\(key): missing") }
    return value
  }

  public mutating func string(_ key: String) throws(JSONError) -> String { try required(key, \.stringValue) }
  public mutating func integer(_ key: String) throws(JSONError) -> Int64 { try required(key, \.integerValue) }
  public mutating func bool(_ key: String) throws(JSONError) -> Bool { try required(key, \.boolValue) }
  public mutating func timestamp(_ key: String) throws(JSONError) -> Timestamp {
    try required(key) { $0.stringValue.flatMap { Timestamp(rfc3339: $0) } }
  }
  public mutating func milliseconds(_ key: String) throws(JSONError) -> Duration {
    .milliseconds(try required(key) { $0.integerValue.flatMap { $0 >= 0 ? $0 : nil } })
  }
  public mutating func strings(_ key: String) throws(JSONError) -> [String] {
    try optional(key, Self.strings) ?? []
  }
  public mutating func stringMap(_ key: String) throws(JSONError) -> [String: String] {
    try optional(key) { value in try Self.map(value) { $0.stringValue } } ?? [:]
  }
  /// An array of objects or other values, each read by `element`; absent means empty.
  public mutating func list<T>(_ key: String, _ element: (JSONValue) throws -> T) throws(JSONError) -> [T] {
    try optional(key) { value in try value.arrayValue?.map(element) } ?? []
  }
  /// An object read as a dictionary; absent means empty.
  public mutating func map<T>(_ key: String, _ element: (JSONValue) throws -> T?) throws(JSONError) -> [String: T] {
    try optional(key) { value in try Self.map(value, element) } ?? [:]
  }

  /// Throws when a member is left that nobody took.
  public func finish() throws(JSONError) {
    if let key = members.keys.sorted().first { throw JSONError("\(what): unknown member '\(key.prefix(60))'") }
  }

  /// The array's texts; nil unless all elements are strings.
  static func strings(_ value: JSONValue) -> [String]? {
    guard let list = value.arrayValue else { return nil }
    let texts = list.compactMap(\.stringValue)
    return texts.count == list.count ? texts : nil
  }

  private static func map<T>(_ value: JSONValue, _ element: (JSONValue) throws -> T?) throws -> [String: T]? {
    guard case .object(let members) = value else { return nil }
    var map: [String: T] = [:]
    for member in members {
      guard let result = try element(member.value) else { return nil }
      map[member.key] = result
    }
    return map
  }
}
