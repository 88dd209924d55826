import Model
import Planning
import Schedule
import ZoneInfo

/// A span of time played through on a whole fleet: each agent by itself, with the jobs that its labels and name give it.
struct FleetSimulation {
  /// In order of time, at most ``limit``.
  private(set) var occurrences: [FleetOccurrence] = []
  /// From here on nothing was simulated, because there was too much; nil when the span was played through.
  private(set) var cut: Timestamp?
  /// Those that were to be placed, ascending.
  let jobs: [JobName]
  let agents: [SimulatedAgent]
  /// Jobs whose targets match no agent, ascending.
  private(set) var unplaced: [JobName] = []
  /// Jobs whose triggers make no schedule here.
  private(set) var problems: [JobName: String] = [:]
  let hasJitter: Bool
  private let limit: Int
  /// While it is made: schedules that are the same on all agents.
  private var shared: [JobName: JobSchedule] = [:]

  /// Records in all.
  static let limit = 100_000

  /// The span is [`from`, `until`).
  init(
    _ jobs: [DesiredJob], on agents: [SimulatedAgent], from: Timestamp, until: Timestamp, zones: ZoneDatabase,
    durations: PastDurations, limit: Int = Self.limit
  ) {
    let jobs = jobs.sorted { $0.job.name < $1.job.name }
    self.jobs = jobs.map(\.job.name)
    self.agents = agents
    self.limit = limit
    hasJitter = jobs.contains { !$0.job.startsEverywhereAlike }
    unplaced = jobs.filter { job in !agents.contains { $0.takes(job.job) } }.map(\.job.name)
    var until = until
    for agent in agents.sorted(by: { $0.name < $1.name }) {
      let placed = jobs.filter { agent.takes($0.job) }.compactMap { firing($0, on: agent, zones) }
      var simulation = FiringSimulation(
        jobs: placed, agent: agent.id, from: from, until: until, limit: limit, duration: { durations.of($0) })
      let report = simulation.run()
      occurrences += report.occurrences.map { FleetOccurrence($0, on: agent.name) }
      if let end = report.cutAt { stop(at: end, &until) }
      if occurrences.count > 2 * limit { trim(&until) }
    }
    trim(&until)
    shared = [:]
  }

  private func compiled(_ job: Job, _ agent: SimulatedAgent, _ zones: ZoneDatabase) throws(ScheduleError) -> JobSchedule
  {
    try JobSchedule(job, agent: agent.id) { (name) throws(ScheduleError) in try zones.zone(named: name) }
  }

  /// As if an assignment had brought the job, with a lease that outlasts any span.
  private static func job(_ desired: DesiredJob, _ schedule: JobSchedule) -> FiringJob {
    FiringJob(
      job: desired.job, bundle: desired.bundle, commit: desired.commit, lease: .seconds(1_000_000_000_000),
      schedule: schedule)
  }

  /// Nil for a job that makes no schedule, which is noted.
  private mutating func firing(_ desired: DesiredJob, on agent: SimulatedAgent, _ zones: ZoneDatabase) -> FiringJob? {
    let name = desired.job.name
    if let schedule = shared[name] { return Self.job(desired, schedule) }
    guard problems[name] == nil else { return nil }
    do throws(ScheduleError) {
      let schedule = try compiled(desired.job, agent, zones)
      if desired.job.startsEverywhereAlike { shared[name] = schedule }
      return Self.job(desired, schedule)
    } catch {
      problems[name] = error.description
      return nil
    }
  }

  /// Keeps the first records, and none of an instant of which some must go. What comes later need not be worked out for
  /// the other agents.
  private mutating func trim(_ until: inout Timestamp) {
    occurrences.sort(by: FleetOccurrence.precedes)
    if occurrences.count > limit, let first = occurrences.first?.time {
      let end = occurrences[limit].time
      occurrences.removeLast(occurrences.count - limit)
      stop(at: first < end ? end : end + .microseconds(1), &until)
    }
    if let cut { occurrences.removeAll { $0.time >= cut } }
  }

  private mutating func stop(at time: Timestamp, _ until: inout Timestamp) {
    guard time < until else { return }
    until = time
    cut = time
  }
}

extension SimulatedAgent {
  fileprivate func takes(_ job: Job) -> Bool { takesAll || job.targets.include(agent: name, labels: labels) }
}

extension Job {
  /// Without jitter its schedule is the same on all agents.
  fileprivate var startsEverywhereAlike: Bool { triggers.allSatisfy { $0.jitter == .zero } }
}
