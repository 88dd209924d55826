// ModelTests: names, times, durations, hashes, the narrow JSON and the objects' one JSON form.

import Model
import Testing

/// A text that may be very long, named in a test by its beginning.
struct Sample: Sendable, CustomTestStringConvertible {
  var text: String
  init(_ text: String) { self.text = text }
  var testDescription: String { String(text.prefix(50)).debugDescription }
}

func instant(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text), "\(text)") }

func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text.utf8, limit: 1 << 20) }

/// `value` with the member at the path of keys replaced; nil removes it.
func replacing(_ path: [String], in value: JSONValue, with new: JSONValue?) -> JSONValue {
  guard let key = path.first, case .object(var members) = value else { return value }
  let index = members.firstIndex { $0.key == key }
  if path.count > 1 {
    if let index { members[index].value = replacing(Array(path.dropFirst()), in: members[index].value, with: new) }
  } else if let index {
    if let new { members[index].value = new } else { members.remove(at: index) }
  } else if let new {
    members.append(.init(key, new))
  }
  return .object(members)
}
