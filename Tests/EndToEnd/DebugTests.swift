import Foundation
import Model
import TestSupport
import Testing

/// `belfry-agent debug`: a run, repeated by hand.
@Suite(.serialized, .sharedSite, .timeLimit(.minutes(10)))
struct DebugTests {
  private func debug(_ site: Site, _ words: String...) throws -> CommandResult {
    try command(
      ["timeout", "60", Program.folder + "/belfry-agent", "debug"] + words + ["--state", site.folder.path("agent-d")],
      in: site.folder.path)
  }

  @Test func aRunIsRepeatedAsItWas() async throws {
    let site = try Site.current
    try await site.startAgent("d")
    let name = "debug/odd"
    let commit = try site.commit([
      "jobs/\(name).yaml": """
      job: \(name)
      triggers: [{every: 300d}]
      run:
        script: scripts/odd.sh
        args: ["it's", "two words", "$HOME"]
        files: [scripts/lib/*.sh]
        params: {depth: 3}
        env: {QUOTED: "a 'b' \\"c\\" $d"}
        stdin: "line one\\nline two\\n"
        limits: {files: 99}
      """,
      "scripts/lib/say.sh": "say() { echo \"say: $*\"; }\n",
      "scripts/odd.sh": """
      #!/bin/sh
      . "$(dirname "$0")/lib/say.sh"
      say "$@"; say "$QUOTED"; say "$BELFRY_PARAM_DEPTH $BELFRY_ATTEMPT $BELFRY_TRIGGER"; say "$(ulimit -n)"; say "$HOME $BELFRY_AGENT"
      cat; ls -A; env | cut -d= -f1 | grep -v '^_$' | sort | tr '\\n' ' '; echo
      exit 3

      """,
    ])
    _ = try await site.synced(commit, job: name)
    let answer = try site.belfry("run", name, "--config", site.configuration(), "--format", "json")
    let json = try JSONValue(parsing: Array(answer.output.utf8), limit: 1 << 20)
    let run = try #require(json["runs"]?.arrayValue?.first?["run"]?.stringValue, "\(answer)")
    let receipt = try await site.receipt(name, "of the run") { $0.run == run }
    let log = try #require(try site.log(name, of: receipt))
    #expect(receipt.exitCode == 3)
    let home = try command(["sh", "-c", "getent passwd $(id -u) | cut -d: -f6"]).output.trimmed
    #expect(log.contains("say: \(home) d\n"), "\(log)")

    let folder = site.folder.path("copy")
    let made = try debug(site, String(run.prefix(12)), "-o", folder)
    #expect(made.status == 0 && made.output == folder + "\n", "\(made)")
    #expect(made.errors.hasPrefix("It differs from the real run:\n- no timeout"), "\(made)")
    // Moved, and by somebody with an environment of his own: still the same.
    try command(["mv", folder, site.folder.path("moved")])
    let repeated = try command(
      [site.folder.path("moved/run.sh")], environment: ["LD_LIBRARY_PATH": "/x", "QUOTED": "no", "GIT_DIR": "/x"])
    #expect(repeated.status == 3, "\(repeated)")
    #expect(repeated.output + repeated.errors == log)
    let readme = try String(contentsOfFile: site.folder.path("moved/README.md"), encoding: .utf8)
    #expect(readme.contains(run) && readme.contains("Failed") && readme.contains("exit code 3"), "\(readme)")
    // The home is that of the agent's user, whoever asks.
    if geteuid() == 0 {
      let ledger = site.folder.path("agent-d/ledger.sqlite")
      try command(["chown", "nobody", ledger])
      defer { _ = try? command(["chown", "root", ledger]) }
      let other = site.folder.path("copy-of-nobody")
      let made = try debug(site, String(run.prefix(12)), "-o", other)
      #expect(made.status == 0, "\(made)")
      let environment = try String(contentsOfFile: other + "/environment", encoding: .utf8)
      let nobody = try command(["sh", "-c", "getent passwd nobody | cut -d: -f6"]).output.trimmed
      #expect(environment.contains("HOME='\(nobody)'") || environment.contains("HOME=\(nobody)\n"), "\(environment)")
    }
    // A copy to work with.
    try Data("#!/bin/sh\necho mine\n".utf8).write(
      to: URL(fileURLWithPath: site.folder.path("moved/bundle/scripts/odd.sh")))
  }

  @Test func theAgentsSettingsAreFoundInItsEnvironmentFile() async throws {
    let site = try Site.current
    if (try? site.agent("d")) == nil { try await site.startAgent("d") }
    let name = "debug/plugin"
    let commit = try site.commit([
      "jobs/\(name).yaml":
        "job: \(name)\ntriggers: [{every: 300d}]\nrun: {plugin: {name: hello, with: {to: you}}, workdir: keep}\n"
    ])
    _ = try await site.synced(commit, job: name)
    let answer = try site.belfry("run", name, "--config", site.configuration(), "--format", "json")
    let json = try JSONValue(parsing: Array(answer.output.utf8), limit: 1 << 20)
    let run = try #require(json["runs"]?.arrayValue?.first?["run"]?.stringValue, "\(answer)")
    // The agent itself has no such plug-in.
    try await site.receipt(name, "of the run") { $0.run == run && $0.outcome == "Failed" }
    let program = try site.folder.write("plugins/belfry-executor-hello", "#!/bin/sh\ncat\n", executable: true)
    chmod(site.folder.path("plugins"), 0o755)
    let file = try site.folder.write(
      "agent.env",
      "BELFRY_AGENT_STATE=\(site.folder.path("agent-d"))\nBELFRY_AGENT_PLUGINS=\(site.folder.path("plugins"))\n")
    let folder = site.folder.path("copy-of-plugin")
    let made = try command(
      [
        "timeout", "60", Program.folder + "/belfry-agent", "debug", run, "-o", folder, "--environment-file", file,
      ])
    #expect(made.status == 0, "\(made)")
    #expect(made.errors.contains("cp -a '\(site.folder.path("agent-d"))/work/debug+plugin/work'/. work/"), "\(made)")
    #expect(try String(contentsOfFile: folder + "/run.sh", encoding: .utf8).contains("'\(program)' <"))
    let repeated = try command([folder + "/run.sh"])
    #expect(
      repeated.output.contains(#""with":{"to":"you"}"#) && repeated.output.contains(#""agent":"d""#), "\(repeated)")
    let wrong = try site.folder.write("wrong.env", "BELFRY_AGENT_PLUGIN=/x\n")
    let refused = try command([Program.folder + "/belfry-agent", "debug", run, "--environment-file", wrong])
    #expect(refused.status == 1 && refused.errors.contains("did you mean BELFRY_AGENT_PLUGINS?"), "\(refused)")
  }

  @Test func whatIsNotThereIsRefusedWithWhatToDo() async throws {
    let site = try Site.current
    if (try? site.agent("d")) == nil { try await site.startAgent("d") }
    let unknown = try debug(site, "00000000000000000000")
    #expect(unknown.status == 1)
    #expect(unknown.errors.contains("is not in this agent's ledger") && unknown.errors.contains("belfry logs"))
    let pattern = try debug(site, "%%%%%%%%")
    #expect(pattern.status == 1 && pattern.errors.contains("is not in this agent's ledger"))
    let nowhere = try command([Program.folder + "/belfry-agent", "debug", "00000000", "--state", "/nonexistent"])
    #expect(nowhere.status == 1 && nowhere.errors.contains("--state FOLDER"), "\(nowhere)")
  }
}
