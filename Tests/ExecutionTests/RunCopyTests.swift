import Foundation
import Model
import TestSupport
import Testing

@testable import Execution

@Suite struct RunCopyTests {
  @Test func `secrets are left out, and words stay words`() throws {
    let bench = try Workbench()
    let files = try bench.put([("bin/it's.sh", "#!/bin/sh\nprintf '%s\\n' \"$TOKEN\" \"$@\" \"$ODD\"\n")])
    // With a mark behind it, a quote is another character to Swift and a quote to the shell.
    let odd = "new\nline 'quoted' $HOME `id` \\ '\u{301}; echo broken out; '\u{200D}; echo out; '\u{FE0F}"
    // Variables that the script has too, and a PATH with programs of the job's.
    var spec = RunSpec(
      program: .script("bin/it's.sh"), args: ["", odd],
      env: ["ODD": odd, "here": "/nowhere", "scope": "false", "PATH": "/nowhere:/usr/bin:/bin"])
    spec.secrets = .variables(["TOKEN": try SecretName("shop-token")])
    let attempt = try bench.attempt(spec, files: files)
    let path = bench.files.path("copy of it")
    try RunCopy(attempt).write(to: path, from: bench.store)
    let result = try command([path + "/run.sh"])
    #expect(result.status == 0, "\(result)")
    #expect(result.output == "REDACTED\n\n\(odd)\n\(odd)\n")
    #expect(throws: ExecutionError.self) { try RunCopy(attempt).write(to: path, from: bench.store) }
  }

  @Test func `without the bundle's files there is no folder`() throws {
    let bench = try Workbench()
    let files = try bench.put([("a.sh", "#!/bin/sh\n")])
    let attempt = try bench.attempt(RunSpec(program: .script("a.sh")), files: files)
    let other = try BundleStore(path: bench.files.path("other"))
    let error = #expect(throws: ExecutionError.self) {
      try RunCopy(attempt).write(to: bench.files.path("copy"), from: other)
    }
    #expect(error?.code == .missing && !bench.exists("copy"))
  }

  @Test func `what is not repeated is said, and what can be is`() throws {
    let bench = try Workbench()
    var spec = RunSpec(
      program: .command(["sh", "-c", "cat \"$BELFRY_SECRETS/key\"; head -c 99999 /dev/zero > a; stat -c %s a"]))
    spec.isolation = .full
    spec.limits.disk = 65_536
    spec.limits.memory = 1 << 30
    spec.limits.cpusThousandths = 1_500
    spec.limits.processes = 50
    spec.workFolder = .keep
    spec.secrets = .files([try SecretName("key")])
    let path = bench.files.path("copy")
    let copy = RunCopy(try bench.attempt(spec), keptFolders: "/var/lib/it's/work")
    try copy.write(to: path, from: bench.store)
    let script = try String(contentsOfFile: path + "/run.sh", encoding: .utf8)
    for words in [
      "no timeout (the run had 1h)", "isolate: full is not repeated",
      "limits (memory, cpus, processes) hold by a scope",
      "limits.disk bounds each file", "secrets are not here",
      #"cp -a '/var/lib/it'\''s/work/team+job/work'/. work/"#,
    ] {
      #expect(copy.differences.contains { $0.contains(words) }, "\(words): \(copy.differences)")
      #expect(script.contains(words), "\(words): \(script)")
    }
    #expect(script.contains("-p MemoryMax=1073741824 -p MemorySwapMax=0 -p CPUQuota=150% -p TasksMax=50'"), "\(script)")
    let result = try command([path + "/run.sh"])
    #expect(result.output == "REDACTED65536\n", "\(result)")
    #expect(result.errors.contains("run.sh: not isolated"), "\(result)")
    // A plain job differs in little.
    #expect(RunCopy(try bench.attempt(RunSpec(program: .command(["true"])))).differences.count == 2)
  }

  @Test func `an executor is the one that the agent finds`() throws {
    let bench = try Workbench()
    let folder = try TemporaryFolder()
    chmod(folder.path, 0o755)
    let program = try folder.write(
      "belfry-executor-say", "#!/bin/sh\ncat; echo '{}' >\"$BELFRY_ANSWER\"; echo \"$BELFRY_HTTP_LINK_LOCAL\"\n",
      executable: true)
    let call = PlugInCall(name: try PlugInName("say"), with: ["a": 1])
    let attempt = try bench.attempt(RunSpec(program: .plugIn(call)))
    var executors = Executors(plugIns: [folder.path])
    executors.allowsLinkLocal = true
    let path = bench.files.path("copy")
    let copy = RunCopy(attempt, executors: executors)
    try copy.write(to: path, from: bench.store)
    #expect(try String(contentsOfFile: path + "/run.sh", encoding: .utf8).contains("'\(program)' <"))
    let result = try command([path + "/run.sh"])
    #expect(result.status == 0 && result.output.contains(#""agent":"host-1""#), "\(result)")
    #expect(result.output.contains(#""with":{"a":1}"#) && result.output.hasSuffix("allowed\n"), "\(result)")
    #expect(access(path + "/answer", F_OK) == 0)
    let without = RunCopy(attempt, executors: Executors(plugIns: ["/nonexistent"]))
    #expect(without.differences.contains { $0.contains("on the PATH of 'environment', because") && $0.contains("say") })
  }
}
