import Model
import Planning
import Schedule
import TestSupport
import Testing

/// A year of 1,000 jobs on one agent, with reboots, a clock that is set, hosts that sleep and suspensions.
@Suite struct FiringYearTests {
  /// What became of one job, as numbers: the whole year would not fit any other way.
  struct Tally {
    var runs = 0
    var recorded = 0
    /// Records come in the order of their instants, and none overlaps another.
    var last = Timestamp(microseconds: .min)
    var isOrdered = true
  }

  struct Year {
    var random: SeededGenerator
    var machine = FiringMachine(agent: host)
    var installed: [FiringJob] = []
    var cursors: [JobName: Cursor] = [:]
    var runs: [RunID: ActiveRun] = [:]
    var tallies: [JobName: Tally] = [:]
    /// The runs that are going, by their ends.
    var ends: [(time: Timestamp, run: RunID)] = []

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func take(_ actions: [FiringAction], at now: Timestamp) {
      for action in actions {
        switch action {
        case .start(let run):
          runs[run.id] = run
          count(run.occurrence.job, from: run.occurrence.nominal, to: run.occurrence.nominal)
          tallies[run.occurrence.job]?.runs += 1
          plan(end: now + .seconds(Int64.random(in: 1...5_000, using: &random)), of: run.id)
        case .skip(let skip):
          let first = skip.firstNominal ?? skip.occurrence.nominal
          count(skip.occurrence.job, from: first, to: skip.occurrence.nominal)
          tallies[skip.occurrence.job]?.recorded += skip.count
          if !skip.isCountExact { tallies[skip.occurrence.job]?.isOrdered = false }
        case .finish(let run, _, _): runs[run.id] = nil
        default: break
        }
      }
      for (job, cursor) in machine.takeCursorMoves() { cursors[job] = cursor }
    }

    private mutating func plan(end: Timestamp, of run: RunID) {
      var place = ends.count
      while place > 0, ends[place - 1].time > end { place -= 1 }
      ends.insert((end, run), at: place)
    }

    private mutating func count(_ job: JobName, from first: Timestamp, to last: Timestamp) {
      var tally = tallies[job] ?? Tally()
      if first <= tally.last || last < first { tally.isOrdered = false }
      tally.last = last
      tallies[job] = tally
    }

    mutating func reboot(at now: Timestamp) {
      machine = FiringMachine(agent: host, lastHeard: machine.lastHeard)
      machine.restore(Array(runs.values), at: now)
      take(machine.install(installed, cursors: cursors, at: now), at: now)
    }

    /// Ends the runs whose time has come, or all of them.
    mutating func end(at now: Timestamp, all: Bool = false) {
      let over = ends.prefix { all || $0.time <= now }
      ends.removeFirst(over.count)
      for end in over {
        take(machine.attemptEnded(end.run, attempt: 1, .succeeded, ended: end.time, at: now), at: now)
      }
    }
  }

  /// Ten jobs every hour, most of the others once a day, the rest once a week; some suspended for weeks.
  private func jobs() throws -> [FiringJob] {
    try (0..<1_000).map { index in
      let spread = Int64(index % 60) * 60
      let trigger: Trigger =
        switch index {
        case ..<10: .every(.seconds(3_600), from: Timestamp(seconds: spread))
        case ..<200: .every(.seconds(86_400), from: Timestamp(seconds: spread + Int64(index) * 60))
        default: .every(.seconds(7 * 86_400), from: Timestamp(seconds: spread + Int64(index) * 600))
        }
      var job = try sampleJob("job-\(index)", triggers: [trigger])
      if index % 9 == 0 { job.suspension = Suspension(until: at(Int64(index % 50) * 86_400)) }
      job.missed = index % 7 == 0 ? .skip : .latest
      return try firing(job, lease: .seconds(10_000 * 86_400))
    }
  }

  @Test func `each occurrence of a year of 1,000 jobs ends in exactly one of run or record`() throws {
    var year = Year(seed: testSeed)
    year.installed = try jobs()
    var now = at(0)
    year.take(year.machine.install(year.installed, at: now), at: now)
    let end = at(365 * 86_400)
    var (reboots, jumps) = (0, 0)
    while now < end {
      let next = min(year.machine.nextWake ?? end, year.ends.first?.time ?? end, end)
      now = max(now, next)
      switch Int.random(in: 0..<5_000, using: &year.random) {
      case 0:
        now = min(end, now + .seconds(Int64.random(in: 60...200_000, using: &year.random)))
        year.reboot(at: now)
        reboots += 1
      case 1:
        now = min(end, now + .seconds(Int64.random(in: 60...20_000, using: &year.random)))
        jumps += 1
      case 2:
        now = now - .seconds(Int64.random(in: 60...20_000, using: &year.random))
        jumps += 1
      default: break
      }
      year.end(at: now)
      year.take(year.machine.tick(at: now), at: now)
    }
    while !year.ends.isEmpty { year.end(at: end, all: true) }
    for version in year.installed {
      let tally = year.tallies[version.job.name] ?? Tally()
      let suspended = version.job.suspension?.isInForce(at: now) == true
      let due = version.schedule.latest(after: at(0), through: end, limit: 10)?.count ?? 0
      #expect(suspended || tally.runs + tally.recorded == due, "\(version.job.name): \(tally), seed \(testSeed)")
      #expect(tally.isOrdered, "\(version.job.name), seed \(testSeed)")
    }
    #expect(reboots > 3 && jumps > 3, "an interesting year, seed \(testSeed)")
  }
}
