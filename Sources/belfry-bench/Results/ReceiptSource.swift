import Model
import Results
import Trust

/// Signed receipts as agents deliver them, each with one log of 200 bytes.
struct ReceiptSource {
  /// How a batch of a thousand receipts spreads.
  enum Spread: String, CaseIterable {
    /// Each of another job, all due at the same time: the most folders and pages for one batch.
    case thousandJobs = "1,000 jobs"
    /// Of 20 jobs that run every second.
    case twentyJobs = "20 jobs"
  }

  static let batchSize = 1_000
  private static let start = Timestamp(seconds: 1_790_000_000)

  let spread: Spread
  private let key: SigningKey
  private let agent = AgentID(random: (7, 7))
  private let agentName: AgentName
  private let commit: CommitID

  init(_ spread: Spread) throws {
    self.spread = spread
    key = try SigningKey.generate()
    agentName = try AgentName("host-1")
    commit = try CommitID(String(repeating: "c0", count: 20))
  }

  var agentKeys: [AgentID: PublicKey] { [agent: key.publicKey] }

  /// All jobs that occur.
  var jobs: [JobName] {
    get throws { try (0..<(spread == .thousandJobs ? 1_000 : 20)).map(job) }
  }

  private func job(_ index: Int) throws -> JobName { try JobName("team-\(index % 30)/job-\(index)") }

  /// When a batch is committed. A minute apart, so that the overview is rendered for each: the dearest case.
  static func time(ofBatch batch: Int) -> Timestamp { start + .seconds(60 * batch) }

  func batch(_ number: Int) throws -> [ReceiptDelivery] {
    try (0..<Self.batchSize).map { index in
      switch spread {
      case .thousandJobs: try delivery(job(index), due: Self.time(ofBatch: number))
      case .twentyJobs: try delivery(job(index % 20), due: Self.time(ofBatch: number) + .seconds(index / 20))
      }
    }
  }

  private func delivery(_ job: JobName, due: Timestamp) throws -> ReceiptDelivery {
    var text = ""
    var line = 0
    while text.utf8.count < 200 {
      text += "\(due) \(job): \((due.seconds &* 31 + Int64(line)) % 9_973) rows\n"
      line += 1
    }
    let log = Array(text.utf8.prefix(200))
    let occurrence = Occurrence(job: job, nominal: due)
    let (started, ended) = (due + .microseconds(2_113), due + .microseconds(1_234_567))
    let attempt = Receipt.Attempt(
      number: 1, started: started, ended: ended, state: .succeeded, exitCode: 0,
      log: Receipt.Log(digest: SHA256.hash(log), written: 200, kept: 200),
      resources: Receipt.Resources(user: .milliseconds(12), system: .milliseconds(3), peakMemory: 12 << 20))
    let receipt = Receipt(
      run: occurrence.run(on: agent), occurrence: occurrence, agent: agent, agentName: agentName,
      bundle: SHA256.hash(Array(job.text.utf8)), commit: commit, outcome: .ran(.succeeded), started: started,
      ended: ended, attempts: [attempt])
    return ReceiptDelivery(signed: try key.sign(receipt), logs: [1: log])
  }
}
