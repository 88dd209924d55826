import Foundation
import Model
import TestSupport
import Testing

/// A secret goes from the agent's folder to the run and nowhere else, whoever dies on the way.
@Suite(.serialized, .sharedSite, .timeLimit(.minutes(10)))
struct SecretTests {
  /// What a search may find it by.
  private struct Canary {
    /// 18 bytes, so that each form is without padding, with one that two programs would escape.
    let value: String
    var forms: [String] {
      let bytes = Data(value.utf8)
      return [
        value, String(value.prefix(12)), bytes.base64EncodedString(),
        String(Data("a".utf8 + bytes).base64EncodedString().dropFirst(2).dropLast(3)),
        String(Data("ab".utf8 + bytes).base64EncodedString().dropFirst(3).dropLast(3)),
        value.replacing("/", with: "%2F"), value.replacing("/", with: "\\/"), String(value.reversed()),
      ]
    }
    init() { value = "canary/" + String(UInt64.random(in: 1 << 60 ... .max), radix: 36).prefix(11) }
  }

  /// Places where a form of it stands, but for the agent's own folder of secrets and the folder in memory of runs that go.
  private func traces(of canary: Canary, on site: Site) throws -> [String] {
    var found: [String] = []
    // Unpacked: a search in a pack would find nothing in what is compressed.
    let log = try command(["git", "log", "-p", "--text", "--all", "--format=%H %an %s %b"], in: site.results)
    guard log.status == 0, log.output.contains("***") else { return ["no masked log on the branch: \(log.errors)"] }
    let branch = log.output
    for form in canary.forms {
      if branch.contains(form) { found.append("the results branch: \(form)") }
      found += try files(holding: form, below: site.folder.path, "--exclude-dir=secrets").map { "\($0): \(form)" }
      for process in try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init) {
        let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
        let name = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")
        // The search itself, and this test's own processes.
        if name?.hasSuffix("belfry-shim") == true || name?.hasSuffix("belfry-agent") == true {
          if String(decoding: line, as: UTF8.self).contains(form) {
            found.append("the arguments of \(process): \(form)")
          }
        }
      }
      for program in site.outputs where program.contains(form) {
        found.append("an agent's or the controller's output: \(form)")
      }
    }
    return found
  }

  private static let script = #"""
    printf '%s\n' "$TOKEN"; printf '%s' "$TOKEN" | base64; printf 'a%s' "$TOKEN" | base64; printf 'ab%s' "$TOKEN" | base64
    printf '%s' "$TOKEN" | sed 's,/,%2F,'; echo; printf '{"t":"%s"}\n' "$TOKEN" | sed 's,/,\\/,'
    cat "$BELFRY_SECRETS/token"; echo; printf '%.5s' "$TOKEN"; sleep 0.1; printf '%s\n' "$TOKEN" | cut -c6-; echo "$TOKEN" >&2
    stat -c '%a' "$BELFRY_SECRETS" "$BELFRY_SECRETS/token" | tr '\n' ' '

    """#

  private func agent(_ name: String, _ canary: Canary, on site: Site) async throws {
    let folder = site.folder.path("agent-\(name)/secrets")
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try Data((canary.value + "\n").utf8).write(to: URL(fileURLWithPath: folder + "/token"))
    chmod(folder + "/token", 0o600)
    try await site.startAgent(name)
  }

  private func job(_ name: String, agent: String, body: String, on site: Site, secret: String = "token") async throws
    -> String
  {
    let files = site.job(name, every: "7d", agents: [agent], run: "  secrets: {TOKEN: \(secret)}", body: body)
    _ = try await site.synced(try site.commit(files), job: name)
    let answer = try site.belfry("run", name, "--config", site.configuration(), "--format", "json")
    let json = try JSONValue(parsing: Array(answer.output.utf8), limit: 1 << 20)
    return try #require(json["runs"]?.arrayValue?.first?["run"]?.stringValue, "\(answer)")
  }

  private func folders(_ run: String) throws -> [String] {
    try command([
      "sh", "-c", "ls -d /run/belfry-secrets.*/\(run).* /dev/shm/belfry-secrets.*/\(run).* 2>/dev/null || true",
    ])
    .output.split(separator: "\n").map(String.init)
  }

  @Test func aSecretLeavesNoTrace() async throws {
    let site = try Site.current
    let canary = Canary()
    try await agent("s", canary, on: site)
    let run = try await job("secret/plain", agent: "s", body: Self.script, on: site)
    let receipt = try await site.receipt("secret/plain", "ended") { $0.run == run }
    #expect(receipt.outcome == "Succeeded", "\(receipt.json.text)")
    let log = try #require(try site.log("secret/plain", of: receipt))
    #expect(log.split(separator: "***", omittingEmptySubsequences: false).count >= 9, "\(log)")
    #expect(log.hasSuffix("500 400 "))
    #expect(try traces(of: canary, on: site) == [])
    #expect(try folders(run).isEmpty)

    let missing = try await job("secret/missing", agent: "s", body: "true", on: site, secret: "nowhere")
    let failed = try await site.receipt("secret/missing", "failed") { $0.run == missing }
    #expect(failed.outcome == "Failed" && failed.reason == "this agent has no secret nowhere", "\(failed.json.text)")
  }

  @Test func aKilledShimLeavesNoTrace() async throws {
    let site = try Site.current
    let canary = Canary()
    try await agent("k", canary, on: site)
    let run = try await job(
      "secret/shim", agent: "k", body: Self.script + "\necho ready >>\"$WITNESS\"; sleep 60\n", on: site)
    _ = try await eventually("it has printed all of it") {
      // The job has not begun, and there is no file yet.
      let witness = try? String(contentsOfFile: site.witness("secret/shim"), encoding: .utf8)
      return witness?.contains("ready") == true ? true : nil
    }
    #expect(try folders(run).count == 1)
    for pid in site.processes(with: "/runs/\(run)") {
      let name = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
      if name?.hasSuffix("belfry-shim") == true { kill(pid, SIGKILL) }
    }
    let receipt = try await site.receipt("secret/shim", "lost") { $0.run == run }
    #expect(receipt.outcome == "Lost")
    #expect(try folders(run).isEmpty)
    #expect(try traces(of: canary, on: site) == [])
  }

  @Test func anAgentThatDiesLeavesNoTrace() async throws {
    let site = try Site.current
    let canary = Canary()
    try await agent("d", canary, on: site)
    let run = try await job("secret/agent", agent: "d", body: Self.script + "sleep 1\n", on: site)
    _ = try await eventually("it is running") { try site.sightings("secret/agent").isEmpty ? nil : true }
    await (try site.agent("d")).destroy()
    #expect(try traces(of: canary, on: site) == [])
    try await agent("d", canary, on: site)
    let receipt = try await site.receipt("secret/agent", "taken over") { $0.run == run }
    #expect(receipt.outcome == "Succeeded", "\(receipt.json.text)")
    #expect(try site.sightings("secret/agent").count == 1)
    #expect(try folders(run).isEmpty)
    #expect(try traces(of: canary, on: site) == [])
  }
}
