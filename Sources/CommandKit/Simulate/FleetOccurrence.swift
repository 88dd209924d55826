import Model
import Planning

/// What becomes of an occurrence on one agent, or of several in a row that share a fate there.
struct FleetOccurrence: Hashable {
  var agent: AgentName
  var occurrence: SimulatedOccurrence

  init(_ occurrence: SimulatedOccurrence, on agent: AgentName) {
    self.agent = agent
    self.occurrence = occurrence
  }

  var job: JobName { occurrence.job }
  /// Of several the last one's.
  var nominal: Timestamp { occurrence.nominal }
  /// When it starts; of what does not start when it, or the first of several, was due.
  var time: Timestamp { occurrence.start ?? occurrence.firstNominal ?? occurrence.nominal }
  /// By what past runs took; nil unless it starts.
  var end: Timestamp? { occurrence.start == nil ? nil : occurrence.end }

  /// More than one only of those that do not run.
  var count: Int {
    switch occurrence.fate {
    case .starts, .waits: 1
    case .skipped(_, _, let count), .undecided(let count): count
    }
  }

  /// One word, that of a record where there would be one.
  var word: String {
    switch occurrence.fate {
    case .starts: "Starts"
    case .waits: "Waits"
    case .skipped(let reason, _, _): reason.rawValue
    case .undecided: "Undecided"
    }
  }

  /// What the word alone does not say.
  var reason: String? {
    switch occurrence.fate {
    case .starts: nil
    case .waits: "for its turn, still at the end of the span"
    case .skipped(_, let words, _): words.isEmpty ? nil : words
    case .undecided: "depends on what ends after the span"
    }
  }

  /// In order of time, then by job and agent, so that equal simulations print equally.
  static func precedes(_ a: Self, _ b: Self) -> Bool {
    if a.time != b.time { return a.time < b.time }
    if a.job != b.job { return a.job < b.job }
    return a.agent == b.agent ? a.nominal < b.nominal : a.agent < b.agent
  }
}
