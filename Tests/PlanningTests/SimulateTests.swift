import Model
import Planning
import Testing

@Suite struct SimulateTests {
  /// The occurrences as short lines, with times as seconds after `at(0)`.
  private func lines(_ report: SimulationReport) -> [String] {
    func seconds(_ time: Timestamp?) -> String { time.map { String(($0 - at(0)).components.seconds) } ?? "-" }
    return report.occurrences.map { occurrence in
      let which = "\(occurrence.job) \(seconds(occurrence.nominal))"
      return switch occurrence.fate {
      case .starts: "\(which) \(seconds(occurrence.start))...\(seconds(occurrence.end))"
      case .waits: "\(which) waits"
      case .skipped(let reason, _, let count): "\(which) \(reason.rawValue) ×\(count)"
      case .undecided(let count): "\(which) undecided ×\(count)"
      }
    }
  }

  private func simulate(
    _ jobs: [Job], until: Int64, takes: Int64 = 10, limit: Int = 1_000
  ) throws -> SimulationReport {
    var simulation = FiringSimulation(
      jobs: try jobs.map { try firing($0) }, agent: host, from: at(0), until: at(until), limit: limit
    ) { _ in .seconds(takes) }
    return simulation.run()
  }

  @Test func `a span holds its first instant and not its end`() throws {
    let report = try simulate([try sampleJob("a"), try sampleJob("b", every: 120)], until: 120)
    #expect(lines(report) == ["a 0 0...10", "b 0 0...10", "a 60 60...70"])
    #expect(report.startsPerMinute == [at(0): 2, at(60): 1])
    #expect(report.cutAt == nil)
    #expect(report.occurrences.map(\.triggers) == [[0], [0], [0]])
  }

  @Test func `overlaps come from how long runs take`() throws {
    let report = try simulate([try sampleJob("a", every: 10)], until: 60, takes: 35)
    #expect(
      lines(report) == [
        "a 0 0...35", "a 10 SkippedOverlap ×1", "a 30 SkippedOverlap ×2", "a 40 40...75", "a 50 SkippedOverlap ×1",
      ])
    guard case .skipped(_, let words, _) = report.occurrences[1].fate else { return }
    #expect(words.contains("was still going after 10s"))
  }

  @Test func `a queue, a replacement, and what the end leaves open`() throws {
    var job = try sampleJob("a", every: 10)
    job.overlap = .queue(depth: 1)
    #expect(
      lines(try simulate([job], until: 30, takes: 35)) == ["a 0 0...35", "a 10 waits", "a 20 SkippedOverlap ×1"])
    job.overlap = .replace
    #expect(lines(try simulate([job], until: 25, takes: 35)) == ["a 0 0...10", "a 10 10...20", "a 20 20...55"])
  }

  @Test func `a blackout that ends behind the span is left open`() throws {
    var job = try sampleJob("a")
    job.blackout = [calendar("freeze", (60, 1_000))]
    #expect(lines(try simulate([job], until: 300)) == ["a 0 0...10", "a 240 SkippedBlackout ×4"])
  }

  @Test func `a limit is obeyed and said`() throws {
    let report = try simulate([try sampleJob("a", every: 1)], until: 86_400, takes: 0, limit: 100)
    #expect(report.occurrences.count == 100)
    #expect(report.cutAt == at(99) + .microseconds(1) || report.cutAt == at(100))
  }
}
