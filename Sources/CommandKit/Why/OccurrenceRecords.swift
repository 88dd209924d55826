import Model
import Results

/// What the results branch holds of one occurrence of a job.
struct OccurrenceRecords {
  /// Of that nominal time, or folded over it; by agent's name.
  var records: [StoredReceipt] = []
  /// Agents that recorded other occurrences of the job, and not this one.
  var silent: [Silent] = []
  var problems: [ResultsProblem] = []
  /// False when a limit ended the search for folded records.
  var isComplete = true

  struct Silent: Hashable {
    var agent: AgentID
    var name: AgentName
    /// The nominal time of its last record before, and of its first one after.
    var before: Timestamp?
    var after: Timestamp?
  }
}

/// Looks records up by time. A record of several occurrences that did not run stands under the last of them, so those
/// behind the time that is asked for are searched too, in growing steps.
struct RecordSearch {
  let reader: ResultsReader
  let job: JobName

  /// Files that one step reads at the most.
  private static let fileLimit = 5_000
  private static let steps: [Duration] = [.seconds(3_600), .seconds(86_400), .seconds(30 * 86_400)]
  /// Records of an agent behind the time of which one may be folded over it.
  private static let laterLimit = 5
  /// Records in front of the time from which it is known which agents hold the job.
  private static let beforeLimit = 100

  func occurrence(at nominal: Timestamp) throws(ResultsError) -> OccurrenceRecords {
    var result = OccurrenceRecords()
    let exact = try reader.history(HistoryQuery(job: job, limit: 100_000, since: nominal, until: nominal))
    result.records = exact.receipts
    result.problems = exact.problems
    let before = try reader.history(
      HistoryQuery(
        job: job, limit: Self.beforeLimit, until: nominal - .microseconds(1), fileLimit: Self.fileLimit)
    ) { $0.isScheduled }
    var agents: [AgentID: OccurrenceRecords.Silent] = [:]
    // Newest first, so the first one of each agent is its last before the time.
    for receipt in before.receipts.map(\.receipt) where agents[receipt.agent] == nil {
      agents[receipt.agent] = .init(agent: receipt.agent, name: receipt.agentName, before: receipt.occurrence.nominal)
    }
    var recorded = Set(exact.receipts.map(\.receipt).filter(\.isScheduled).map(\.agent))
    var later: [AgentID: [StoredReceipt]] = [:]
    var start = nominal
    for step in Self.steps.map(Optional.some) + [nil] {
      let end = step.map { nominal + $0 }
      let page = try reader.history(
        HistoryQuery(
          job: job, limit: .max, since: start + .microseconds(1), until: end, fileLimit: Self.fileLimit)
      ) { $0.isScheduled }
      for stored in page.receipts.reversed() where later[stored.receipt.agent, default: []].count < Self.laterLimit {
        later[stored.receipt.agent, default: []].append(stored)
      }
      guard page.isComplete else {
        result.isComplete = false
        break
      }
      let known = Set(agents.keys).union(recorded)
      let isAnswered = known.isEmpty ? !later.isEmpty : known.allSatisfy { recorded.contains($0) || later[$0] != nil }
      guard let end, !isAnswered else { break }
      start = end
    }
    for (agent, list) in later where !recorded.contains(agent) {
      if let folded = list.first(where: { $0.receipt.covers(nominal) }) {
        result.records.append(folded)
        recorded.insert(agent)
      } else if let first = list.first?.receipt {
        agents[agent, default: .init(agent: agent, name: first.agentName)].after = first.occurrence.nominal
      }
    }
    result.silent = agents.values.filter { !recorded.contains($0.agent) }.sorted { $0.name < $1.name }
    result.records.sort { ($0.receipt.agentName, $0.receipt.run) < ($1.receipt.agentName, $1.receipt.run) }
    return result
  }

  /// Nominal times of records near an instant: those close to it, and those of runs that were going then.
  func nominals(near instant: Timestamp, within distance: Duration) throws(ResultsError) -> [Timestamp] {
    let near = try reader.history(
      HistoryQuery(
        job: job, limit: 2_000, since: instant - distance, until: instant + distance, fileLimit: 2_000))
    let earlier = try reader.history(HistoryQuery(job: job, limit: 20, until: instant, fileLimit: 20)) { receipt in
      receipt.started.map { $0 - .seconds(60) <= instant && instant <= max(receipt.ended, $0 + .seconds(60)) } ?? false
    }
    return (near.receipts + earlier.receipts).map(\.receipt.occurrence.nominal)
  }

  /// When each agent was last heard of, by the newest records of all jobs; not those that have been silent for long.
  func lastHeard() throws(ResultsError) -> [AgentID: Timestamp] {
    var heard: [AgentID: Timestamp] = [:]
    for receipt in try reader.history(HistoryQuery(limit: 500, fileLimit: 500)).receipts.map(\.receipt) {
      heard[receipt.agent] = max(heard[receipt.agent] ?? receipt.ended, receipt.ended)
    }
    return heard
  }
}

extension Receipt {
  var isScheduled: Bool { occurrence.cause == .schedule }

  /// Whether it speaks of the scheduled occurrence of that time, alone or among others.
  func covers(_ nominal: Timestamp) -> Bool {
    isScheduled && (firstNominal ?? occurrence.nominal) <= nominal && nominal <= occurrence.nominal
  }
}
