import Model
import Results

// How names and times on the command line become values. What these throw ends up in the parser's message.

/// `2026-11-20T02:30:00Z`, with any offset, or `2026-11-20` for its first instant in UTC.
func timeArgument(_ text: String) throws -> Timestamp {
  if let time = Timestamp(rfc3339: text) ?? Timestamp(rfc3339: text + "T00:00:00Z") { return time }
  throw NameError("want a time such as 2026-11-20T02:30:00Z or 2026-11-20")
}

/// From 1.
func countArgument(_ text: String) throws -> Int {
  if let count = Int(text), (1...100_000).contains(count) { return count }
  throw NameError("want a number from 1 to 100000")
}

/// `out` or `err`.
func streamArgument(_ text: String) throws -> LogSource {
  if let source = LogSource(rawValue: text), source != .log { return source }
  throw NameError("want out or err")
}

/// `key=value`.
func parameterArgument(_ text: String) throws -> (key: String, value: String) {
  guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
    throw NameError("want name=value, such as database=orders")
  }
  return (String(text[..<equals]), String(text[text.index(after: equals)...]))
}

/// An agent by its id, or by its name on the results branch.
enum AgentArgument: Hashable {
  case id(AgentID)
  case name(AgentName)

  init(_ text: String) throws {
    // A name may look like an id, which is then what is meant.
    if let id = try? AgentID(text) { self = .id(id) } else { self = .name(try AgentName(text)) }
  }

  /// Throws a ``CommandError`` unless exactly one agent has or had the name.
  func id(in repository: RepositoryOption) throws -> AgentID {
    let name: AgentName
    switch self {
    case .id(let id): return id
    case .name(let given): name = given
    }
    let hint = "ids are in 'belfry history --format json' and in agent.id of an agent's state folder"
    let found = try ResultsReader(repository: repository.location().open()).agents(named: name)
    guard found.count < 2 else {
      let ids = found.map(\.text).joined(separator: ", ")
      throw CommandError(.bad, "several agents have or had the name \(name): \(ids)", hint: "give the id")
    }
    guard let id = found.first else {
      throw CommandError(.bad, "the results branch knows no agent \(name)", hint: hint)
    }
    return id
  }
}
