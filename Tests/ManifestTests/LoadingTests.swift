// What a commit means as a whole, and what is taken from the commit before.

import Manifest
import Model
import Testing

@Suite struct LoadingTests {
  private static func job(_ name: String, _ more: String = "") -> String {
    "job: \(name)\n\(more)triggers: [{every: 1m}]\nrun: {script: scripts/a.sh}\n"
  }

  private static var commit: Commit {
    Commit([
      "belfry.yaml": "belfry: 1\n", "scripts/a.sh": "#!/bin/sh\n", "scripts/b.sh": "#!/bin/sh\n",
      "jobs/a/one.yaml": job("one"), "jobs/a/two.yaml": job("two"), "jobs/b/three.yaml": job("three"),
    ])
  }

  @Test func oneBrokenManifestLeavesTheOthersAlone() {
    var commit = Self.commit
    commit.add("jobs/a/one.yaml", bytes: Array("job: one\ntriggers: [\n".utf8))
    let loaded = commit.load()
    #expect(loaded.jobs.map(\.job.name.text) == ["three", "two"])
    #expect(loaded.brokenJobs.map(\.text) == ["one"])
    #expect(loaded.isComplete)
  }

  @Test func eachBrokenJobHasItsOwnMistakes() {
    var commit = Self.commit
    let mistakes = ["jobs/a/one.yaml": "job: one\ntriggers: [\n", "jobs/b/three.yaml": Self.job("three", "onwer: x\n")]
    for (path, text) in mistakes { commit.add(path, bytes: Array(text.utf8)) }
    commit.add(
      "jobs/a/two.yaml", bytes: Array("job: two\ntriggers: [{every: 1m}]\nrun: {script: scripts/c.sh}\n".utf8))
    let loaded = commit.load()
    #expect(Set(loaded.mistakes.keys.map(\.text)) == ["one", "two", "three"])
    for (job, words) in [("one", "jobs/a/one.yaml:"), ("two", "scripts/c.sh"), ("three", "onwer")] {
      let own = loaded.mistakes.first { $0.key.text == job }?.value ?? []
      #expect(own.count == 1 && own.allSatisfy { $0.rendered.contains(words) }, "\(job): \(own)")
    }
    // What is wrong further up is every job's mistake there.
    commit.add("jobs/a/defaults.yaml", bytes: Array("- a\n".utf8))
    let below = commit.load()
    #expect(below.mistakes.filter { $0.value.contains { $0.file == "jobs/a/defaults.yaml" } }.count == 2)
    commit.add("belfry.yaml", bytes: Array("belfry: 2\n".utf8))
    #expect(commit.load().mistakes.values.allSatisfy { $0.contains { $0.file == "belfry.yaml" } })
  }

  @Test func aFileWithoutAnyNameMakesTheCommitIncomplete() {
    var commit = Self.commit
    commit.add("jobs/a/one.yaml", bytes: Array("\u{1}\u{2}".utf8))
    let loaded = commit.load()
    #expect(loaded.jobs.count == 2)
    #expect(!loaded.isComplete)
  }

  @Test func aRemovedManifestIsARemoval() {
    var commit = Self.commit
    let before = commit.load()
    commit.remove("jobs/a/one.yaml")
    let after = commit.load(previous: before)
    #expect(after.jobs.map(\.job.name.text) == ["three", "two"])
    #expect(after.isComplete && after.brokenJobs.isEmpty)
  }

  @Test func changedDefaultsAreSeenByUnchangedManifests() {
    var commit = Self.commit
    var files = commit.parsed()
    let root = commit.root
    let before = commit.load(files, root: root)
    #expect(before.jobs.allSatisfy { $0.job.owner == nil })

    let defaults = Array("owner: team-a\n".utf8)
    commit.add("jobs/a/defaults.yaml", bytes: defaults)
    files.append(reader.parse(path: "jobs/a/defaults.yaml", bytes: defaults))
    let with = commit.load(files, root: root, previous: before)
    #expect(with.jobs.map(\.job.owner) == ["team-a", nil, "team-a"])

    commit.remove("jobs/a/defaults.yaml")
    files.removeLast()
    let without = commit.load(files, root: root, previous: with)
    #expect(without.jobs.allSatisfy { $0.job.owner == nil })

    let changedRoot = reader.parse(path: "belfry.yaml", bytes: Array("belfry: 1\ndefaults: {owner: all}\n".utf8))
    let rooted = commit.load(files, root: changedRoot, previous: without)
    #expect(rooted.jobs.allSatisfy { $0.job.owner == "all" })
  }

  @Test func changedScriptsAreSeenByUnchangedManifests() {
    var commit = Self.commit
    let files = commit.parsed()
    let before = commit.load(files)
    #expect(before.diagnostics.isEmpty)

    commit.add("scripts/a.sh", bytes: Array("echo\n".utf8), kind: .executable)
    let withoutLine = commit.load(files, previous: before)
    #expect(withoutLine.jobs.isEmpty && withoutLine.brokenJobs.count == 3)

    commit.add("scripts/a.sh", bytes: Array("#!/bin/sh\n".utf8), kind: .file)
    let withoutBit = commit.load(files, previous: withoutLine)
    #expect(withoutBit.diagnostics.first?.suggestion == "git update-index --chmod=+x scripts/a.sh")

    commit.remove("scripts/a.sh")
    let without = commit.load(files, previous: withoutBit)
    #expect(without.diagnostics.first?.suggestion == "did you mean 'scripts/b.sh'?")

    commit.add("scripts/a.sh", bytes: Array("#!/bin/sh\n".utf8), kind: .executable)
    #expect(commit.load(files, previous: without).jobs.count == 3)
  }

  @Test func aScriptIsReadOnceForAllJobs() {
    let commit = Self.commit
    var asked: [String] = []
    let loaded = reader.load(root: commit.root, files: commit.parsed(), listing: commit.listing) { path in
      asked.append(path)
      return commit.bytes[path]
    }
    #expect(asked == ["scripts/a.sh"])
    let again = reader.load(
      root: commit.root, files: commit.parsed(), listing: commit.listing,
      head: { path in
        asked.append(path)
        return nil
      }, previous: loaded)
    #expect(asked.count == 1)
    #expect(again.jobs.count == 3)
  }

  @Test func selectionFollowsTheRoot() {
    let standard = reader.selection(root: reader.parse(path: "belfry.yaml", bytes: Array("belfry: 1\n".utf8)))
    #expect(standard.wants("jobs/a.yaml") && standard.wants("jobs/a/b/c.yaml") && standard.wants("jobs/defaults.yaml"))
    #expect(!standard.wants("a.yaml") && !standard.wants("jobs/a.yml") && !standard.wants("defaults.yaml"))
    #expect(!standard.wants("belfry.yaml"))
    let everywhere = reader.selection(
      root: reader.parse(path: "belfry.yaml", bytes: Array("belfry: 1\njobs: [\"**/*.yaml\"]\n".utf8)))
    #expect(everywhere.wants("a.yaml") && everywhere.wants("defaults.yaml") && !everywhere.wants("belfry.yaml"))
  }

  @Test func filesThatAreNoManifestsArePassedOver() {
    let commit = Self.commit
    let stray = reader.parse(path: "other/x.yaml", bytes: Array("job: x\n".utf8))
    #expect(commit.load(commit.parsed() + [stray]).diagnostics.isEmpty)
  }

  @Test func tooManyFilesOfOneJob() {
    var commit = Commit.with(
      manifest: "job: a\ntriggers: [{every: 1m}]\nrun: {script: scripts/a.sh, files: [\"data/**\"]}\n")
    for index in 0...ManifestLimits.filesPerJob { commit.add("data/\(index)", bytes: []) }
    #expect(commit.load().summaries == ["3:37: 2002 files, more than 2000"])
  }

  @Test func tooManyBytesOfOneJob() {
    let manifest = "job: a\ntriggers: [{every: 1m}]\nrun: {script: scripts/a.sh, files: [big, small/*]}\n"
    let commit = Commit.with(manifest: manifest)
    func load(_ entries: [RepositoryListing.Entry]) -> [String] {
      reader.load(
        root: commit.root, files: commit.parsed(), listing: RepositoryListing(commit.listing.entries + entries)
      ).summaries
    }
    let mebibyte: Int64 = 1_048_576
    let small = RepositoryListing.Entry(path: "small/x", kind: .file, size: 1)
    #expect(load([small, .init(path: "big", kind: .file, size: 16 * mebibyte)]).isEmpty)
    #expect(
      load([small, .init(path: "big", kind: .file, size: 16 * mebibyte + 1)]) == [
        "3:37: 'files': 'big' has more than 16 MiB"
      ])
    let many = (0..<5).map { RepositoryListing.Entry(path: "small/\($0)", kind: .file, size: 15 * mebibyte) }
    #expect(load(many + [.init(path: "big", kind: .file)]) == ["3:37: the job's files have more than 64 MiB together"])
  }

  @Test func defaultsAtTheRootOfTheRepository() {
    let commit = Commit([
      "belfry.yaml": "belfry: 1\njobs: [\"**/*.yaml\"]\ndefaults: {owner: root, description: d}\n",
      "defaults.yaml": "owner: top\n", "a.yaml": Self.job("one"), "x/b.yaml": Self.job("two"),
      "scripts/a.sh": "#!/bin/sh\n",
    ])
    let files = commit.parsed()
    let root = commit.root
    let first = commit.load(files, root: root)
    #expect(first.jobs.map(\.job.owner) == ["top", "top"] && first.jobs.allSatisfy { $0.job.summary == "d" })
    #expect(commit.load(files, root: root, previous: first).jobs.map(\.job.owner) == ["top", "top"])
  }

  /// Mistakes in the manifest and mistakes about the commit's files come in one go.
  @Test func missingFilesAreReportedBesideOtherMistakes() {
    let loaded = Commit.with(manifest: "job: a\nownr: x\nrun: {script: scripts/b.sh, files: [none/*]}\n").load()
    #expect(
      loaded.diagnostics.map(\.message) == [
        "'triggers' is missing in a job", "unknown key 'ownr' in a job",
        "the script 'scripts/b.sh' is not in the commit", "'none/*' matches no file of the commit",
      ])
  }

  @Test func aFileWithoutBytes() {
    let commit = Self.commit
    let files = commit.parsed() + [ParsedFile(path: "jobs/z.yaml", problem: "the blob cannot be read")]
    let loaded = commit.load(files)
    #expect(loaded.jobs.count == 3 && !loaded.isComplete)
    #expect(loaded.diagnostics.map(\.rendered) == ["jobs/z.yaml: error: the blob cannot be read"])
  }

  @Test func listingsAreSortedByBytes() {
    let listing = RepositoryListing(["b", "a/b", "a.b", "a", "é", "e\u{301}"].map { .init(path: $0, kind: .file) })
    #expect(
      listing.entries.map { Array($0.path.utf8) } == ["a", "a.b", "a/b", "b", "e\u{301}", "é"].map { Array($0.utf8) })
    #expect(listing["a/b"]?.kind == .file)
    #expect(listing["a/"] == nil && listing["c"] == nil && listing[""] == nil)
    // git tells these apart, and so does the listing.
    #expect(listing["é"].map { Array($0.path.utf8) } == Array("é".utf8))
  }
}
