import Glibc
import Model
import TestSupport
import Trust

@testable import Execution

/// A folder with a store and room for run folders, and a launcher; what a test of Execution needs.
final class Workbench: Sendable {
  let files: TemporaryFolder
  let store: BundleStore
  let launcher: ShimLauncher
  /// Its runs are this bench's own: where a shim is found dead, whatever carries its run's id is killed.
  private let agent = AgentID(random: (testSeed, .random(in: 0 ... .max)))

  /// With `cgroups`, each run gets one of its own, where this host lets us make them. With `hides`, isolated jobs do not see
  /// into the bench's folder.
  init(launcher: ShimLauncher? = nil, cgroups: Bool = false, hides: Bool = false) throws {
    files = try TemporaryFolder("belfry-execution")
    store = try BundleStore(path: files.path("store"))
    self.launcher =
      try launcher
      ?? ShimLauncher(
        path: ProcessEnvironment["BELFRY_TEST_SHIM"],
        cgroups: cgroups ? .find(place: nil, owner: agent.text) : .none("this test wants none"),
        hidden: hides ? [files.path] : [])
  }

  /// This bench's part of the hierarchy.
  func tree() throws -> CgroupTree {
    guard case .tree(let tree) = launcher.cgroups else { throw Unexpected("cgroups: \(launcher.cgroups)") }
    return tree
  }

  /// A fresh path for a run folder.
  func runPath(_ name: String = "run") -> String { files.path(name) }

  /// Starts a line of shell by the lowest way in: no bundle, a spec of our own.
  func shell(_ line: String, _ change: (inout ShimSpec) -> Void = { _ in }, run: String = "run") throws -> Shim {
    let folder = try RunFolder.create(at: runPath(run))
    var spec = shellSpec(line, run: run)
    if case .tree(let tree) = launcher.cgroups { spec.cgroup = try tree.make(run) }
    change(&spec)
    return try launcher.launch(spec, in: folder)
  }

  /// Its run id is this bench's own: whatever carries it may be killed when a shim is found dead.
  func shellSpec(_ line: String, run: String = "run") -> ShimSpec {
    ShimSpec(
      program: "/bin/sh", arguments: ["sh", "-c", line],
      environment: [
        "PATH": "/usr/bin:/bin", "BELFRY_RUN_ID": runPath(run), "BELFRY_ATTEMPT": "1",
      ],
      timeout: .seconds(60))
  }

  /// Stores the files and gives back how a bundle lists them.
  func put(_ contents: [(path: String, text: String)], executable: Bool = true) throws -> [BundleFile] {
    try contents.map { file in
      let bytes = Array(file.text.utf8)
      let digest = SHA256.hash(bytes)
      try store.store(file: bytes, named: digest)
      return BundleFile(path: file.path, digest: digest, size: Int64(bytes.count), executable: executable)
    }
  }

  /// An attempt at a job with this program.
  func attempt(_ run: RunSpec, files: [BundleFile] = [], number: Int = 1) throws -> AttemptSpec {
    let name = try JobName("team/job")
    let job = Job(name: name, triggers: [.every(.seconds(60))], run: run)
    let bundle = Bundle(
      source: SourceLocation(repository: "https://example.com/jobs.git", branch: "main", path: "jobs/job.yaml"),
      job: job, files: files)
    let occurrence = Occurrence(job: name, nominal: Timestamp(seconds: 1_795_000_000))
    return AttemptSpec(
      run: occurrence.run(on: agent), number: number, occurrence: occurrence, agent: try AgentName("host-1"),
      commit: try CommitID(String(repeating: "ab", count: 20)), bundle: bundle)
  }

  /// Makes a fifo: opening it waits for the other side, which is how tests and jobs meet without sleeping.
  func fifo(_ name: String) throws -> String {
    let path = files.path(name)
    guard mkfifo(path, 0o666) == 0 else { throw Unexpected("mkfifo \(path): \(errno)") }
    chmod(path, 0o666)
    return path
  }

  func exists(_ name: String) -> Bool { access(files.path(name), F_OK) == 0 }
}

extension Shim {
  /// The exit record; an error when there is none.
  func record() async throws -> ExitRecord {
    switch try await ended().ending {
    case .finished(let record): return record
    case .lost(let reason): throw Unexpected("lost: \(reason)")
    }
  }
}

extension RunFolder {
  /// The kept output as the job wrote it.
  func text(_ record: ExitRecord? = nil, source: LogSource? = nil) throws -> String {
    String(decoding: try keptOutput(record).output(source), as: UTF8.self)
  }
}

extension KeptOutput {
  /// What is kept, without times.
  func output(_ source: LogSource? = nil) -> [UInt8] { LogPrinter(source: source, isRaw: true).print(bytes) }

  var lines: [LogLine] {
    LogText.entries(of: bytes).compactMap { entry in if case .line(let line) = entry { line } else { nil } }
  }

  /// Bytes of output that the lines stand for.
  var shown: Int { lines.reduce(0) { $0 + $1.outputCount } }
}

/// Reads a fifo until its last writer is gone, on a thread that may block.
func readToEnd(_ path: String) async throws -> String {
  try await blocking {
    let file = try Descriptor(open: path, O_RDONLY)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(file.number, &buffer, buffer.count)
      if count > 0 { bytes += buffer[..<count] }
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
    }
  }
}

/// Opens a fifo for writing, which waits for a reader, and closes it again.
func touch(_ path: String) async throws {
  try await blocking { _ = try Descriptor(open: path, O_WRONLY) }
}

/// Whether this host lets us make cgroups, with these controllers.
func hasCgroups(_ controllers: Set<CgroupController> = []) -> Bool {
  guard case .tree(let tree) = hostCgroups else { return false }
  return tree.controllers.isSuperset(of: controllers)
}

private let hostCgroups = Cgroups.find(place: nil, owner: "test")

func isRoot() -> Bool { geteuid() == 0 }

/// What a test did not expect to see.
struct Unexpected: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
