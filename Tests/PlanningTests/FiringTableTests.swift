import Model
import Planning
import Testing

/// The table in the documentation of ``FiringMachine``, as a matrix: a job that is due at 600 and 660 and may start up
/// to 1000 s late.
@Suite struct FiringTableTests {
  enum History: CaseIterable { case neverRan, running, done }

  enum Moment: CaseIterable {
    case notTime, onTime, late, tooLate

    var now: Timestamp {
      switch self {
      case .notTime: at(590)
      case .onTime: at(601)
      case .late: at(800)
      case .tooLate: at(2_000)
      }
    }
  }

  struct Row: CustomStringConvertible, Sendable {
    var history: History
    var moment: Moment
    var overlap: Overlap
    var missed: Missed

    var description: String { "\(history) \(moment) \(overlap) \(missed)" }

    static let all: [Row] = History.allCases.flatMap { history in
      Moment.allCases.flatMap { moment in
        [Overlap.skip, .allow, .queue(depth: 1), .replace].flatMap { overlap in
          [Missed.latest, .all(limit: 5), .skip].map {
            Row(history: history, moment: moment, overlap: overlap, missed: $0)
          }
        }
      }
    }

    /// What the tick decides.
    var expected: [String] {
      let isFree = history != .running || overlap == .allow
      switch (moment, missed) {
      case (.notTime, _): return []
      case _ where !isFree && overlap == .skip: return ["SkippedOverlap a 600 ×1"]
      case (.tooLate, _), (.late, .skip): return ["MissedDeadline a 600...660 ×2"]
      case _ where !isFree && overlap == .replace: return ["cancel a 10"]
      case (.onTime, _): return isFree ? ["start a 600"] : ["enqueue a 600"]
      case (.late, .latest): return ["MissedDeadline a 600 ×1", isFree ? "start a 660" : "enqueue a 660"]
      case (.late, .all) where overlap == .allow: return ["start a 600", "start a 660"]
      case (.late, .all): return [isFree ? "start a 600" : "enqueue a 600", "enqueue a 660"]
      }
    }

    /// What the end of the run of 10 leads to, a second later.
    var expectedAtEnd: [String] {
      switch (moment, overlap, missed) {
      case (.notTime, _, _), (_, .allow, _): []
      case (.onTime, .skip, _): []
      case (_, .skip, _): ["SkippedOverlap a 660 ×1"]
      case (.onTime, .queue, _): ["attempt 1 of a 600"]
      case (.onTime, .replace, _): ["start a 600"]
      case (.tooLate, _, _), (.late, _, .skip): []
      case (.late, .queue, .latest): ["attempt 1 of a 660"]
      case (.late, .queue, .all): ["attempt 1 of a 600"]
      case (.late, .replace, _): ["SkippedOverlap a 600 ×1", "start a 660"]
      }
    }
  }

  @Test(arguments: Row.all) func `each case is decided as the table says`(_ row: Row) throws {
    var machine = try minutely {
      $0.triggers = [.at(at(600)), .at(at(660))]
      $0.startBy = .seconds(1_000)
      $0.overlap = row.overlap
      $0.missed = row.missed
    }
    let person = try order(at: 10)
    if row.history != .neverRan { #expect(lines(machine.dispatch(person, at: at(10))) == ["start a 10"]) }
    let id = person.occurrence.run(on: host)
    if row.history == .done { _ = machine.attemptEnded(id, attempt: 1, .succeeded, at: at(20)) }
    #expect(lines(machine.tick(at: row.moment.now)) == row.expected)
    #expect(machine.nextWake.map { $0 > row.moment.now } ?? true, "a tick leaves nothing to do")
    guard row.history == .running else { return }
    let end = machine.attemptEnded(id, attempt: 1, .cancelled, at: row.moment.now + .seconds(1))
    #expect(lines(end) == ["finish a 10 Cancelled"] + row.expectedAtEnd)
  }
}
