// A job's fields of time: whatever a manifest can say is read as it was said.

import Manifest
import Model
import TestSupport
import Testing

@Suite struct TimeFieldsTests {
  /// Values of all fields of time and the manifest that a person would write for them.
  private struct Said {
    var lines: [String] = []
    var triggers: [Trigger] = []
    var starts: Timestamp?
    var expires: Timestamp?
    var missed = Missed.latest
    var startBy: Duration?
    var overlap = Overlap.skip

    init(_ generator: inout SeededGenerator) {
      lines.append("triggers:")
      for _ in 0..<Int.random(in: 1...4, using: &generator) { addTrigger(&generator) }
      if Bool.random(using: &generator) {
        // The first day, seen from the west, is in a year that cannot be written.
        let time = Timestamp(seconds: .random(in: 86_400...1_700_000_000, using: &generator))
        starts = time
        lines.append("starts: \(time.rfc3339(offset: 3_600 * Int.random(in: -12...12, using: &generator)))")
      }
      if Bool.random(using: &generator) {
        let time = Timestamp(seconds: .random(in: 4_000_000_000...9_000_000_000, using: &generator))
        expires = time
        lines.append("expires: \(time)")
      }
      if Bool.random(using: &generator) {
        // As long as the longest jitter at least.
        let delay = Duration.seconds(Int.random(in: 86_400...604_800, using: &generator))
        startBy = delay
        lines.append("startBy: \(delay.manifestText)")
      }
      addWords(&generator)
      lines.shuffleGroups(using: &generator)
    }

    private mutating func addTrigger(_ generator: inout SeededGenerator) {
      let jitter = Duration.seconds(Bool.random(using: &generator) ? Int.random(in: 1...86_400, using: &generator) : 0)
      let spread = jitter == .zero ? "" : ", jitter: \(jitter.manifestText)"
      if Bool.random(using: &generator) {
        let change = ClockChange(
          gap: Bool.random(using: &generator) ? .after : .skip,
          repeat: [.first, .second, .both][Int.random(in: 0...2, using: &generator)])
        let dst = Bool.random(using: &generator) ? ", dst: {gap: \(change.gap), repeat: \(change.repeat)}" : ""
        let minute = Int.random(in: 0...59, using: &generator)
        lines.append("  - {cron: \"\(minute) 2 * * *\", timezone: Europe/Berlin\(dst)\(spread)}")
        triggers.append(
          .cron(
            expression: "\(minute) 2 * * *", timezone: "Europe/Berlin",
            clockChange: dst.isEmpty ? ClockChange() : change, jitter: jitter))
      } else {
        let interval = jitter + .seconds(Int.random(in: 1...864_000, using: &generator))
        let from = Bool.random(using: &generator) ? Timestamp(seconds: .random(in: 0...9_999, using: &generator)) : nil
        lines.append("  - {every: \(interval.manifestText)\(from.map { ", from: \($0)" } ?? "")\(spread)}")
        triggers.append(.every(interval, from: from, jitter: jitter))
      }
    }

    private mutating func addWords(_ generator: inout SeededGenerator) {
      let number = Int.random(in: 1...100, using: &generator)
      let forms: [(Missed, String?)] = [
        (.latest, nil), (.latest, "latest"), (.skip, "skip"), (.all(limit: 100), "all"),
        (.all(limit: number), "{all: \(number)}"),
      ]
      let overlaps: [(Overlap, String?)] = [
        (.skip, nil), (.skip, "skip"), (.replace, "replace"), (.queue(depth: 1), "queue"),
        (.queue(depth: number), "{queue: \(number)}"),
      ]
      let missed = forms[Int.random(in: 0..<forms.count, using: &generator)]
      let overlap = overlaps[Int.random(in: 0..<overlaps.count, using: &generator)]
      self.missed = missed.0
      self.overlap = overlap.0
      if let text = missed.1 { lines.append("missed: \(text)") }
      if let text = overlap.1 { lines.append("overlap: \(text)") }
    }
  }

  @Test func whatIsSaidIsRead() throws {
    var generator = SeededGenerator(seed: testSeed)
    for round in 0..<500 {
      let said = Said(&generator)
      let manifest = "job: a\n" + said.lines.joined(separator: "\n") + "\nrun: {script: scripts/a.sh}\n"
      let loaded = Commit.with(manifest: manifest).load()
      #expect(loaded.diagnostics.isEmpty, "seed \(testSeed), round \(round):\n\(manifest)\(loaded.report)")
      let job = try #require(loaded.onlyJob)
      #expect(job.triggers == said.triggers, "seed \(testSeed), round \(round):\n\(manifest)")
      #expect(job.starts == said.starts && job.expires == said.expires, "seed \(testSeed):\n\(manifest)")
      #expect(job.missed == said.missed && job.overlap == said.overlap, "seed \(testSeed):\n\(manifest)")
      #expect(job.startBy == said.startBy, "seed \(testSeed):\n\(manifest)")
    }
  }

  /// A bundle must not change because somebody spells a default out.
  @Test func defaultsSaidAreDefaultsLeftOut() throws {
    let plain = "job: a\ntriggers:\n  - cron: \"30 2 * * *\"\n    timezone: Europe/Berlin\n"
    let run = "run: {script: scripts/a.sh}\n"
    let said = "    dst: {gap: after, repeat: first}\nmissed: latest\noverlap: skip\n"
    let short = try #require(Commit.with(manifest: plain + run).load().onlyJob)
    let long = try #require(Commit.with(manifest: plain + said + run).load().onlyJob)
    #expect(long.json.text == short.json.text)
  }

  /// What is asked of a schedule to judge `starts` and `expires` must not take long, however odd the schedule.
  @Test(.timeLimit(.minutes(1))) func oddSchedulesAreJudgedQuickly() {
    let triggers = (0..<100).map { "  - {cron: \"\($0 % 60) 0 29 2 1\", timezone: Europe/Berlin}\n" }.joined()
    let limits = "starts: 2026-01-01T00:00:00Z\nexpires: 2026-01-01T00:00:01Z\n"
    let manifest = "job: a\ntriggers:\n\(triggers)\(limits)run: {script: scripts/a.sh}\n"
    let documents = Array(repeating: manifest, count: 20).enumerated().map { index, text in
      text.replacing("job: a", with: "job: a\(index)")
    }
    let loaded = Commit.with(manifest: documents.joined(separator: "---\n")).load()
    #expect(loaded.brokenJobs.count == 20)
    #expect(loaded.diagnostics.allSatisfy { $0.message == "the job is never due between 'starts' and 'expires'" })
  }
}

extension [String] {
  /// Puts the lines at the left into another order, each with the indented ones below it.
  fileprivate mutating func shuffleGroups(using generator: inout SeededGenerator) {
    var groups: [[String]] = []
    for line in self {
      if line.hasPrefix(" ") { groups[groups.count - 1].append(line) } else { groups.append([line]) }
    }
    self = groups.shuffled(using: &generator).flatMap { $0 }
  }
}
