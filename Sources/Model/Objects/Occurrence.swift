/// What made one occurrence due.
public enum Cause: Hashable, Sendable {
  /// The job's schedule; at an instant where several triggers coincide there is still one occurrence.
  case schedule
  /// A person asked for it; `request` is unique to the request.
  case person(request: String)
}

/// One due instant of a job.
public struct Occurrence: Hashable, Sendable {
  public var job: JobName
  /// When it was due; for a person's run, when it was asked for.
  public var nominal: Timestamp
  public var cause: Cause

  public init(job: JobName, nominal: Timestamp, cause: Cause = .schedule) {
    self.job = job
    self.nominal = nominal
    self.cause = cause
  }

  /// The same on every agent and after every restart, because only what the occurrence is goes into it.
  public var id: OccurrenceID {
    var hash = StableHash()
    hash.combine("occurrence/1")
    hash.combine(job.text)
    hash.combine(nominal.description)
    if case .person(let request) = cause { hash.combine(request) }
    return OccurrenceID(unchecked: hash.hex(digits: 20))
  }

  /// The run of this occurrence on one agent.
  public func run(on agent: AgentID) -> RunID {
    var hash = StableHash()
    hash.combine("run/1")
    hash.combine(id.text)
    hash.combine(agent.text)
    return RunID(unchecked: hash.hex(digits: 20))
  }
}

/// Names an occurrence: 20 lower-case hexadecimal digits.
public struct OccurrenceID: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  fileprivate init(unchecked text: String) { self.text = text }

  /// Throws a ``NameError`` unless `text` is 20 lower-case hexadecimal digits.
  public init(_ text: String) throws(NameError) {
    guard text.utf8.count == 20, text.utf8.allSatisfy(isLowerHex) else {
      throw NameError("'\(text.prefix(40))' is not an occurrence id")
    }
    self.text = text
  }

  public var description: String { text }
}

/// Names a run: 20 lower-case hexadecimal digits.
public struct RunID: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let text: String

  fileprivate init(unchecked text: String) { self.text = text }

  /// Throws a ``NameError`` unless `text` is 20 lower-case hexadecimal digits.
  public init(_ text: String) throws(NameError) {
    guard text.utf8.count == 20, text.utf8.allSatisfy(isLowerHex) else {
      throw NameError("'\(text.prefix(40))' is not a run id: want 20 lower-case hexadecimal digits")
    }
    self.text = text
  }

  public var description: String { text }
  public static func < (a: RunID, b: RunID) -> Bool { a.text < b.text }
}
