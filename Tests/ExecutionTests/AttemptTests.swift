import Glibc
import Model
import TestSupport
import Testing
import Trust

@testable import Execution

/// From a bundle in the store to the end of an attempt.
@Suite(.timeLimit(.minutes(10))) struct AttemptTests {
  static let placements: [ScriptPlacement] = [.folder, .sealedMemory]

  private func run(
    _ bench: Workbench, _ run: RunSpec, _ files: [BundleFile], _ change: (inout AttemptSpec) -> Void = { _ in },
    path: String = "run"
  ) async throws -> (end: AttemptEnd, output: String, folder: RunFolder) {
    var attempt = try bench.attempt(run, files: files)
    change(&attempt)
    let shim = try bench.launcher.start(attempt, from: bench.store, in: bench.runPath(path))
    let end = try await shim.ended()
    return (end, try shim.folder.text(), shim.folder)
  }

  @Test(arguments: placements)
  func `a script runs with its arguments, parameters and neighbours`(_ placement: ScriptPlacement) async throws {
    let bench = try Workbench()
    let script = """
      #!/bin/sh -eu
      . "$BELFRY_BUNDLE/scripts/lib/say.sh"
      say "$1,$2,$BELFRY_PARAM_DB,$(basename "$(pwd)"),$-"
      """
    let files = try bench.put([("scripts/job.sh", script), ("scripts/lib/say.sh", "say() { echo \"said $1\"; }\n")])
    let spec = RunSpec(program: .script("scripts/job.sh"), args: ["--full", "a b"], params: ["db": .string("x")])
    let result = try await run(bench, spec, files, { $0.placement = placement })
    #expect(classify(result.end, success: [0]) == Judgement(state: .succeeded, exitCode: 0))
    #expect(result.output.hasPrefix("said --full,a b,x,work,"))
    #expect(result.output.contains("e") && result.output.contains("u"))
  }

  @Test func `from its folder a script finds its neighbours by its own path`() async throws {
    let bench = try Workbench()
    let files = try bench.put([
      (
        "job.sh",
        "#!/bin/sh\n. \"$(dirname \"$0\")/lib.sh\"\nbasename \"$0\"\nstat -c %a \"$0\" \"$(dirname \"$0\")\"\n"
      ),
      ("lib.sh", "echo lib\n"),
    ])
    let result = try await run(bench, RunSpec(program: .script("job.sh")), files)
    #expect(result.output == "lib\njob.sh\n555\n500\n")
  }

  @Test func `an interpreter of the manifest needs neither line nor run bit`() async throws {
    let bench = try Workbench()
    let files = try bench.put([("job.txt", "echo \"$0 $1\" | sed s,.*/,,\n")], executable: false)
    let result = try await run(
      bench, RunSpec(program: .script("job.txt"), interpreter: ["/bin/sh", "-e"], args: ["x"]), files)
    #expect(result.output == "job.txt x\n")
  }

  @Test func `a command runs without a shell`() async throws {
    let bench = try Workbench()
    let result = try await run(bench, RunSpec(program: .command(["echo", "$HOME; a  b"])), [])
    #expect(result.output == "$HOME; a  b\n")
  }

  struct Unusable: CustomTestStringConvertible {
    var name: String
    var text: String
    var executable = true
    var testDescription: String { name }
  }

  @Test(arguments: [
    Unusable(name: "no #!", text: "echo\n"), Unusable(name: "CRLF", text: "#!/bin/sh\r\necho\r\n"),
    Unusable(name: "no run bit", text: "#!/bin/sh\n", executable: false),
  ])
  func `an unusable script leaves nothing behind`(_ row: Unusable) throws {
    let bench = try Workbench()
    let files = try bench.put([("job.sh", row.text)], executable: row.executable)
    let error = #expect(throws: ExecutionError.self) {
      try bench.launcher.start(
        bench.attempt(RunSpec(program: .script("job.sh")), files: files), from: bench.store, in: bench.runPath())
    }
    #expect(error?.code == .unusableScript)
    #expect(!bench.exists("run"))
  }

  @Test func `a missing interpreter is said`() async throws {
    let bench = try Workbench()
    let files = try bench.put([("job.sh", "#!/no/such/shell\n")])
    let result = try await run(bench, RunSpec(program: .script("job.sh")), files)
    let judgement = classify(result.end, success: [0])
    #expect(judgement.state == .failed)
    #expect(judgement.reason == "could not start: its program cannot be executed: No such file or directory")
  }

  @Test func `any flipped byte of a stored script is a refusal, never a run`() throws {
    let bench = try Workbench()
    let files = try bench.put([("job.sh", "#!/bin/sh\ntouch \(bench.files.path("witness"))\n"), ("lib.sh", "lib")])
    for file in files {
      let path = bench.files.path("store/blobs/\(file.digest.hex)")
      let good = try bench.store.file(file.digest)
      for index in good.indices {
        var bytes = good
        bytes[index] ^= 0x20
        try bench.files.write("store/blobs/\(file.digest.hex)", bytes: bytes)
        let error = #expect(throws: ExecutionError.self) {
          try bench.launcher.start(
            bench.attempt(RunSpec(program: .script("job.sh")), files: files), from: bench.store, in: bench.runPath())
        }
        #expect(error?.code == .corrupted && access(path, F_OK) != 0 && !bench.exists("run"))
      }
      try bench.store.store(file: good, named: file.digest)
    }
    #expect(!bench.exists("witness"))
  }

  @Test func `paths that lead out of the folder are refused`() throws {
    let bench = try Workbench()
    for path in ["../evil", "/etc/evil", "a/../../evil", ".git/hooks/x", "a//b", "a/", "x\n"] {
      let files = try bench.put([(path, "#!/bin/sh\n")])
      #expect(throws: ExecutionError.self) {
        try bench.launcher.start(
          bench.attempt(RunSpec(program: .command(["true"])), files: files), from: bench.store, in: bench.runPath())
      }
    }
    let both = try bench.put([("a", "x"), ("a/b", "y")])
    #expect(throws: ExecutionError.self) {
      try bench.launcher.start(
        bench.attempt(RunSpec(program: .command(["true"])), files: both), from: bench.store, in: bench.runPath())
    }
    #expect(!bench.exists("evil") && !bench.exists("run"))
  }

  /// Somebody swaps the stored file, good against evil, as fast as he can: an attempt runs the good one or is refused.
  @Test(arguments: placements)
  func `swapping the stored file never gets it run`(_ placement: ScriptPlacement) async throws {
    let bench = try Workbench()
    let files = try bench.put([("job.sh", "#!/bin/sh\necho good\n")])
    let target = bench.files.path("store/blobs/\(files[0].digest.hex)")
    let evil = bench.files.path("evil")
    let stop = try bench.fifo("stop")
    let racer = try Swapper(target: target, good: Array("#!/bin/sh\necho good\n".utf8), evil: evil, stop: stop)
    var refused = 0
    for index in 0..<40 {
      do {
        let result = try await run(
          bench, RunSpec(program: .script("job.sh")), files, { $0.placement = placement }, path: "run\(index)")
        #expect(result.output == "good\n" && classify(result.end, success: [0]).state == .succeeded)
      } catch let error as ExecutionError {
        #expect(error.code == .corrupted || error.code == .missing)
        refused += 1
      }
    }
    try await racer.end()
    #expect(refused <= 40)
  }

  @Test(.enabled(if: isRoot(), "needs root: to be another user"))
  func `another user cannot touch what is about to run`() async throws {
    let bench = try Workbench()
    chmod(bench.files.path(""), 0o777)
    let files = try bench.put([("scripts/job.sh", "#!/bin/sh\necho good\n")])
    let ready = try bench.fifo("ready")
    let won = bench.files.path("won")
    // As nobody: over and over tries to write, replace, rename and link in the run folder that is to come.
    let attack = """
      echo > \(ready)
      while [ ! -e \(bench.files.path("enough")) ]; do for r in \(bench.files.path(""))/run*; do
        for t in $r/bundle/scripts/job.sh $r/status $r/spec; do
          (echo evil > $t) 2>/dev/null && echo w >> \(won)
          mv -f $t $t.x 2>/dev/null && echo m >> \(won)
          ln -sf /bin/false $t 2>/dev/null && echo l >> \(won)
        done
        rmdir $r/work 2>/dev/null && echo d >> \(won)
      done; done
      exit 0
      """
    let racer = try bench.shell(
      "",
      {
        // As long as forty runs may take on a busy machine.
        $0.timeout = .seconds(600)
        $0.program = "setpriv"
        $0.arguments = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", attack]
      }, run: "racer")
    _ = try await readToEnd(ready)
    for index in 0..<40 {
      let result = try await run(bench, RunSpec(program: .script("scripts/job.sh")), files, path: "run\(index)")
      #expect(result.output == "good\n" && result.end.changedFiles.isEmpty)
    }
    try bench.files.write("enough", "")
    #expect(try await racer.record().ending == .exited(0))
    #expect(!bench.exists("won"))
  }

  @Test func `a change by the agent's own user is noticed`() async throws {
    let bench = try Workbench()
    let ready = try bench.fifo("ready")
    let gate = try bench.fifo("gate")
    let files = try bench.put([
      ("job.sh", "#!/bin/sh\necho > \(ready); cat \(gate)\n"), ("lib/a.sh", "a"), ("lib/b.sh", "b"),
    ])
    for (index, swap) in [
      "echo x > lib/a.sh", "mv lib/b.sh /tmp", "mv lib old; cp -r old lib", "cp lib/a.sh a; mv a lib/a.sh",
    ].enumerated() {
      let attempt = try bench.attempt(RunSpec(program: .script("job.sh")), files: files)
      let shim = try bench.launcher.start(attempt, from: bench.store, in: bench.runPath("run\(index)"))
      _ = try await readToEnd(ready)
      try command(
        ["sh", "-c", "chmod -R u+w . && \(swap)".replacing("/tmp", with: bench.files.path(""))], in: shim.folder.bundle)
      try await touch(gate)
      let end = try await shim.ended()
      #expect(!end.changedFiles.isEmpty, "\(swap)")
      #expect(classify(end, success: [0]).state == .failed)
    }
  }

  @Test func `sealed memory cannot be written by anybody`() async throws {
    let bench = try Workbench()
    let files = try bench.put([
      ("job.sh", "#!/bin/sh\n(echo evil > \"$0\") 2>/dev/null || echo refused\nstat -Lc %a \"$0\"; : more\n")
    ])
    let result = try await run(bench, RunSpec(program: .script("job.sh")), files, { $0.placement = .sealedMemory })
    #expect(result.output == "refused\n444\n")
  }

  @Test func `a receipt's attempt says it all`() async throws {
    let bench = try Workbench()
    let result = try await run(bench, RunSpec(program: .command(["sh", "-c", "echo out; exit 3"])), [])
    let kept = try result.folder.keptOutput()
    let attempt = result.end.attempt(number: 1, success: [0], output: kept, started: now(), now: now())
    #expect(attempt.state == .failed && attempt.exitCode == 3 && attempt.reason == "exit code 3")
    #expect(attempt.log == Receipt.Log(digest: SHA256.hash(kept.bytes), written: 4, kept: 38))
    #expect(attempt.ended >= attempt.started && attempt.resources.peakMemory > 0)
    let again = try Receipt.Attempt(json: attempt.json)
    #expect(again == attempt)
  }
}

/// Swaps a file for another one by rename until it is told to stop.
private struct Swapper {
  let stop: String
  private let thread: Task<Void, any Error>

  init(target: String, good: [UInt8], evil: String, stop: String) throws {
    self.stop = stop + ".now"
    let flag = self.stop
    let aside = target + ".aside"
    let evilText = "#!/bin/sh\necho evil\n"
    thread = Task {
      try await blocking {
        while access(flag, F_OK) != 0 {
          for bytes in [Array(evilText.utf8), good] {
            let file = try Descriptor(open: aside, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
            try file.write(bytes, name: aside)
            rename(aside, target)
          }
        }
      }
    }
  }

  func end() async throws {
    _ = try Descriptor(open: stop, O_WRONLY | O_CREAT, mode: 0o600)
    try await thread.value
  }
}
