// Calendars and the jobs that name them, from one commit to the next.

import Manifest
import Model
import Testing

@Suite struct CalendarLoadingTests {
  private static func job(_ name: String, _ more: String = "") -> String {
    "job: \(name)\n\(more)triggers: [{every: 1m}]\nrun: {script: scripts/a.sh}\n"
  }

  private static func file(_ date: String) -> String {
    "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:\(date)\nEND:VEVENT\nEND:VCALENDAR\n"
  }

  private static let root = """
    belfry: 1
    calendars:
      holidays: {ics: calendars/holidays.ics}
      freeze: {dates: [2026-12-27..2027-01-01]}

    """

  private static var commit: Commit {
    Commit([
      "belfry.yaml": root, "calendars/holidays.ics": file("20261224"), "scripts/a.sh": "#!/bin/sh\n",
      "jobs/both.yaml": job("both", "blackout: [holidays, freeze]\n"),
      "jobs/freeze.yaml": job("freeze", "blackout: [freeze]\n"), "jobs/none.yaml": job("none"),
    ])
  }

  private func windows(_ loaded: LoadedRepository) -> [String: [String]] {
    Dictionary(
      uniqueKeysWithValues: loaded.jobs.map {
        ($0.job.name.text, $0.job.blackout.flatMap { $0.windows.map(\.described) })
      })
  }

  @Test func jobsHaveTheCalendarsThatTheyName() {
    let loaded = Self.commit.load()
    #expect(loaded.diagnostics.isEmpty)
    #expect(
      windows(loaded) == [
        "both": ["2026-12-24", "2026-12-27..2027-01-01"], "freeze": ["2026-12-27..2027-01-01"], "none": [],
      ])
  }

  @Test func theFilesOfCalendarsAreAskedFor() {
    let selection = reader.selection(root: Self.commit.root)
    #expect(selection.wants("calendars/holidays.ics") && !selection.wants("calendars/other.ics"))
    let everything = reader.selection(
      root: reader.parse(path: "belfry.yaml", bytes: Array("belfry: 1\njobs: [\"**\"]\n".utf8)))
    #expect(everything.wants("a/b") && !everything.wants("a/b.ics"))
  }

  @Test func aChangedFileChangesTheJobsThatNameIt() {
    var commit = Self.commit
    let root = commit.root
    let files = commit.parsed()
    let before = commit.load(files, root: root)
    commit.add("calendars/holidays.ics", bytes: Array(Self.file("20261225").utf8))
    let others = files.filter { $0.path != "calendars/holidays.ics" }
    let changed = commit.parsed().filter { $0.path == "calendars/holidays.ics" }
    let after = commit.load(others + changed, root: root, previous: before)
    #expect(windows(after)["both"] == ["2026-12-25", "2026-12-27..2027-01-01"])
    for name in ["freeze", "none"] {
      #expect(after.jobs.first { $0.job.name.text == name }?.job == before.jobs.first { $0.job.name.text == name }?.job)
    }
  }

  @Test func aBrokenFileKeepsTheLastGoodVersion() {
    var commit = Self.commit
    let before = commit.load()
    commit.add("calendars/holidays.ics", bytes: Array("BEGIN:VCALENDAR\n".utf8))
    let broken = commit.load(previous: before)
    #expect(broken.jobs.map(\.job.name.text) == ["freeze", "none"])
    #expect(broken.brokenJobs.map(\.text) == ["both"] && broken.isComplete)
    commit.remove("calendars/holidays.ics")
    let gone = commit.load(previous: broken)
    #expect(gone.summaries == ["3:19: the calendar 'calendars/holidays.ics' is not in the commit"])
    #expect(gone.brokenJobs.map(\.text) == ["both"])
    commit.add("calendars/holidays.ics", bytes: Array(Self.file("20261224").utf8))
    #expect(commit.load(previous: gone).jobs.count == 3)
  }

  @Test func aLinkIsNotFollowed() {
    var commit = Self.commit
    commit.add("calendars/holidays.ics", bytes: [], kind: .symbolicLink)
    let loaded = commit.load()
    #expect(
      loaded.summaries == ["3:19: the calendar 'calendars/holidays.ics' is a symbolic link, which is refused"])
  }

  @Test func aFileThatNobodyReadIsSaidSo() {
    let commit = Self.commit
    let loaded = commit.load(commit.parsed().filter { !$0.path.hasSuffix(".ics") })
    #expect(loaded.summaries == ["3:19: the calendar 'calendars/holidays.ics' could not be read"])
    #expect(loaded.brokenJobs.map(\.text) == ["both"])
  }

  @Test func aMistakeInACalendarLeavesTheOthersAlone() {
    var commit = Self.commit
    commit.add("belfry.yaml", bytes: Array((Self.root + "  bad: {dates: [soon]}\n").utf8))
    let loaded = commit.load()
    #expect(loaded.jobs.count == 3 && loaded.diagnostics.count == 1 && loaded.isComplete)
    commit.add("jobs/none.yaml", bytes: Array(Self.job("none", "blackout: [bad]\n").utf8))
    let named = commit.load()
    #expect(named.jobs.count == 2 && named.diagnostics.count == 1 && named.brokenJobs.map(\.text) == ["none"])
  }

  @Test func calendarsThatAreNoMapping() {
    var commit = Self.commit
    commit.add("belfry.yaml", bytes: Array("belfry: 1\ncalendars: [freeze]\n".utf8))
    let loaded = commit.load()
    #expect(loaded.summaries == ["2:12: 'calendars' wants a mapping of calendars, not a list"])
    #expect(loaded.brokenJobs.map(\.text).sorted() == ["both", "freeze"] && loaded.isComplete)
  }

  @Test func defaultsAndTheirReplacement() {
    var commit = Self.commit
    commit.add("belfry.yaml", bytes: Array((Self.root + "defaults: {blackout: [freeze]}\n").utf8))
    commit.add("jobs/free.yaml", bytes: Array(Self.job("free", "blackout: []\n").utf8))
    let loaded = commit.load()
    #expect(loaded.diagnostics.isEmpty)
    #expect(windows(loaded)["none"] == ["2026-12-27..2027-01-01"])
    #expect(windows(loaded)["free"] == [])
    commit.add("belfry.yaml", bytes: Array((Self.root + "defaults: {blackout: [freze]}\n").utf8))
    for name in ["both", "free", "freeze", "none"] { commit.remove("jobs/\(name).yaml") }
    #expect(
      commit.load().summaries == ["5:23: there is no calendar 'freze' in belfry.yaml; did you mean 'freeze'?"])
  }

  /// The order in which dates are written, and how they are cut, is nothing to a bundle.
  @Test func oneFormForOneMeaning() {
    func job(_ dates: String) -> Job? {
      var commit = Commit.with(manifest: Self.job("a", "blackout: [c]\n"))
      commit.add("belfry.yaml", bytes: Array("belfry: 1\ncalendars: {c: {dates: [\(dates)]}}\n".utf8))
      return commit.load().onlyJob
    }
    let one = job("2026-12-24..2026-12-26, 2027-01-01")
    #expect(one != nil)
    #expect(job("2027-01-01, 2026-12-26, 2026-12-24, 2026-12-24..2026-12-25") == one)
    #expect(job("2026-12-24..2026-12-26") != one)
  }

  @Test func tooMuchOfEverything() {
    func summaries(_ calendars: String, blackout: String = "[c]") -> [String] {
      var commit = Commit.with(manifest: Self.job("a", "blackout: \(blackout)\n"))
      commit.add("belfry.yaml", bytes: Array("belfry: 1\ncalendars: \(calendars)\n".utf8))
      return commit.load().summaries
    }
    let dates = String(repeating: "2026-12-24,", count: 10_001)
    #expect(summaries("{c: {dates: [\(dates)]}}") == ["2:24: 'dates' lists 10001 dates; at most 10000"])
    let million = summaries("{c: {dates: [\(String(repeating: "2026-12-24,", count: 1_000_000))]}}")
    #expect(million == ["1:0: the document has more than 256 KiB"])
    let names = (0..<21).map { "c\($0)" }.joined(separator: ", ")
    #expect(
      summaries("{c: {dates: [2026-12-24]}}", blackout: "[\(names)]") == [
        "2:11: 'blackout' lists 21 calendars; at most 20"
      ])
  }
}
