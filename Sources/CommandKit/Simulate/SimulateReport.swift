import Model
import Planning
import Schedule

/// What a fleet would do in a span of time, for people and for programs.
struct SimulateReport {
  let from: Timestamp
  let until: Timestamp
  /// Times are shown in it.
  let zone: TimeZoneRules
  let simulation: FleetSimulation
  let durations: PastDurations
  /// Of those whose jobs were placed on agents that a file describes; nil for the nominal one.
  let agents: Int?

  private let chart: StartsChart
  private let busiest: (time: Timestamp, count: Int)?

  init(
    _ simulation: FleetSimulation, from: Timestamp, until: Timestamp, zone: TimeZoneRules, durations: PastDurations,
    agents: Int?
  ) {
    self.simulation = simulation
    self.from = from
    self.until = until
    self.zone = zone
    self.durations = durations
    self.agents = agents
    chart = StartsChart(simulation.occurrences.filter { $0.end != nil }.map(\.time), zone: zone)
    busiest = Self.mostAtOnce(simulation.occurrences)
  }

  /// When most runs are going at once, the first of several such times; nil when none is.
  static func mostAtOnce(_ occurrences: [FleetOccurrence]) -> (time: Timestamp, count: Int)? {
    var changes: [(time: Timestamp, change: Int)] = []
    for occurrence in occurrences {
      guard let end = occurrence.end else { continue }
      // A run that takes no time is going for a moment all the same.
      changes += [(occurrence.time, 1), (max(end, occurrence.time + .microseconds(1)), -1)]
    }
    changes.sort { ($0.time, $0.change) < ($1.time, $1.change) }
    var going = 0
    var most: (time: Timestamp, count: Int)?
    for change in changes {
      going += change.change
      if going > most?.count ?? 0 { most = (change.time, going) }
    }
    return most
  }

  // MARK: For people

  /// `lines` is how many occurrences are listed at the most.
  func text(columns: Int, lines: Int) -> String {
    var text = lines > 0 ? table(lines) : ""
    let more = simulation.occurrences.count - lines
    if lines > 0, more > 0 { text += "and \(more) more until \(local(until)); -n \(lines + more) lists them too\n" }
    let bars = chart.text(columns: columns)
    if !text.isEmpty, !bars.isEmpty { text += "\n" }
    text += bars
    if !text.isEmpty { text += "\n" }
    return text + summary.map { TerminalText.neutralised($0) + "\n" }.joined()
  }

  private func table(_ lines: Int) -> String {
    var table = Table("TIME", "JOB", "AGENT", "WHAT", "TAKES", "NOTE")
    for occurrence in simulation.occurrences.prefix(lines) {
      var notes: [String] = []
      if occurrence.count > 1 {
        notes.append("\(occurrence.count) occurrences until \(local(occurrence.nominal))")
      } else if occurrence.time != occurrence.nominal {
        notes.append("due \(local(occurrence.nominal))")
      }
      if let reason = occurrence.reason { notes.append(reason) }
      table.add(
        local(occurrence.time), occurrence.job.text, occurrence.agent.text, occurrence.word,
        occurrence.end.map { takes($0 - occurrence.time, occurrence.job) }, notes.joined(separator: ", "))
    }
    return table.text
  }

  /// Whether it was seen or assumed shows.
  private func takes(_ duration: Duration, _ job: JobName) -> String {
    let text = Humane.took(duration)
    return durations.medians[job] == nil ? text + "?" : "~" + text
  }

  private func local(_ time: Timestamp) -> String { Humane.local(time, in: zone) }

  /// By the word that the list has for them; what does not run each time that it does not.
  private var others: [String: Int] {
    var counts: [String: Int] = [:]
    for occurrence in simulation.occurrences where occurrence.end == nil {
      counts[occurrence.word, default: 0] += occurrence.count
    }
    return counts
  }

  private var starts: Int { simulation.occurrences.count { $0.end != nil } }

  /// What the list and the chart do not say by themselves, a line each.
  var summary: [String] {
    let (starts, others) = (starts, others)
    var lines = [
      "From \(local(from)) to \(local(until)): \(Humane.count(starts, "run")) \(starts == 1 ? "starts" : "start")"
    ]
    if !others.isEmpty {
      let reasons = others.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
      lines[0] += ", \(others.values.reduce(0, +)) do not (\(reasons))"
    }
    if let busiest { lines.append("At most \(Humane.count(busiest.count, "run")) at once, at \(local(busiest.time))") }
    if let without = withoutJitter { lines.append(without) }
    if let cut = simulation.cut {
      lines.append(
        "CUT before \(local(cut)), after \(simulation.occurrences.count) records: give a shorter span, or name jobs")
    }
    if agents == nil {
      lines.append(
        "One agent that takes every job, with a share of each jitter as some agent has it: --agents describes yours")
    }
    for job in simulation.unplaced.prefix(10) {
      lines.append("NoEligibleAgent: no agent of the file matches the targets of \(job)")
    }
    if simulation.unplaced.count > 10 { lines.append("and of \(simulation.unplaced.count - 10) more jobs") }
    for (job, problem) in simulation.problems.sorted(by: { $0.key < $1.key }) { lines.append("\(job): \(problem)") }
    lines.append(estimates)
    return lines
  }

  /// What jitter does to the worst minute; nil when it does nothing.
  private var withoutJitter: String? {
    let started = simulation.occurrences.filter { $0.end != nil }
    guard simulation.hasJitter, let with = chart.worst,
      let without = StartsChart(started.map(\.nominal), zone: zone).worst, without.count != with.count
    else { return nil }
    return "Without jitter most would be \(without.count) in a minute, at \(local(without.time))"
  }

  private var estimates: String {
    let known = simulation.jobs.count { durations.medians[$0] != nil }
    let unknown = simulation.jobs.count - known
    var parts: [String] = []
    if known > 0 { parts.append("for \(Humane.count(known, "job")) the median of past runs") }
    if unknown > 0 {
      parts.append(
        "for \(Humane.count(unknown, "job")) without past runs \(durations.assumed.manifestText), as --assume says")
    }
    return parts.isEmpty ? "There are no jobs" : "Durations: " + parts.joined(separator: ", ")
  }

  // MARK: For programs

  func json(list: Bool) -> JSONValue {
    .members([
      "from": .string(local(from)), "until": .string(local(until)), "timezone": .string(zone.name),
      "starts": .integer(Int64(starts)),
      "others": .sorted(others.mapValues { .integer(Int64($0)) }),
      "cut": simulation.cut.map { .string(local($0)) },
      "atOnce": busiest.map { ["time": .string(local($0.time)), "runs": .integer(Int64($0.count))] },
      "perMinute": chart.json,
      "agents": .array(simulation.agents.map { ["name": .string($0.name.text), "id": .string($0.id.text)] }),
      "unplaced": .strings(simulation.unplaced.map(\.text)),
      "problems": .sorted(
        Dictionary(uniqueKeysWithValues: simulation.problems.map { ($0.key.text, .string($0.value)) })),
      "durations": .array(
        simulation.jobs.map { job in
          [
            "job": .string(job.text), "takesMs": .milliseconds(durations.of(job)),
            "assumed": .bool(durations.medians[job] == nil),
          ]
        }),
      "occurrences": list ? .array(simulation.occurrences.map(json)) : nil,
    ])
  }

  private func json(_ occurrence: FleetOccurrence) -> JSONValue {
    .members([
      "time": .string(local(occurrence.time)), "due": .string(local(occurrence.nominal)),
      "job": .string(occurrence.job.text), "agent": .string(occurrence.agent.text),
      "outcome": .string(occurrence.word), "end": occurrence.end.map { .string(local($0)) },
      "reason": occurrence.reason.map(JSONValue.string),
      "count": occurrence.count > 1 ? .integer(Int64(occurrence.count)) : nil,
      "first": occurrence.occurrence.firstNominal.map { .string(local($0)) },
    ])
  }
}
