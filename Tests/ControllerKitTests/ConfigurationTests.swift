@testable import ControllerKit
import Git
import Model
import TestSupport
import Testing

/// `controller.yaml`: everything that may be wrong with it is said at its place, all at once.
struct ConfigurationTests {
  static let least = "source: {url: /srv/jobs.git}\nkey: controller.key\ninsecure: true\n"

  private func load(_ text: String) throws -> ControllerConfiguration {
    let folder = try TemporaryFolder("belfry-configuration")
    try folder.write("token", "secret-token\nsecond line\n")
    return try ControllerConfiguration.load(try folder.write("controller.yaml", text))
  }

  private func mistakes(_ text: String) -> [String] {
    do {
      _ = try load(text)
      return []
    } catch let error as ConfigurationError {
      return error.diagnostics.map { "\($0.line):\($0.column) \($0.message); \($0.suggestion ?? "")" }
    } catch {
      return ["\(error)"]
    }
  }

  @Test func theLeastThatItNeedsGetsTheDocumentedDefaults() throws {
    let configuration = try load(Self.least)
    #expect(configuration.source.branch == "main")
    #expect(configuration.source.poll == .seconds(15))
    #expect(configuration.results.remote.url == "/srv/jobs.git")
    #expect(configuration.results.branch == "belfry/results")
    #expect(configuration.results.flush == .seconds(2))
    #expect(configuration.results.push == .seconds(10))
    #expect(configuration.state == "/var/lib/belfry")
    #expect(configuration.key.hasSuffix("/controller.key") && configuration.key.hasPrefix("/"))
    #expect(configuration.agents.listen == ListenAddress(host: "127.0.0.1", port: 7420))
    #expect(configuration.agents.heartbeat == .seconds(5))
    #expect(configuration.api == ListenAddress(host: "127.0.0.1", port: 7421))
    #expect(configuration.leastEpoch == 1 && configuration.agents.bindsNames)
    #expect(configuration.artifacts == ArtifactRoom(total: 10 << 30, agent: 2 << 30))
  }

  @Test func everythingIsRead() throws {
    let configuration = try load(
      """
      source: {url: "https://forge.example/jobs.git", branch: trunk, poll: 1m, user: bot, tokenFile: token}
      results: {url: results.git, branch: history, flush: 1s, push: 30s}
      state: state
      key: /etc/key
      agents: {listen: "[::1]:0", heartbeat: 1s, addressFile: address}
      api: {listen: "localhost:0"}
      epoch: {least: 42}
      artifacts: {total: 5M, agent: 1024K}
      insecure: true
      """)
    #expect(configuration.source.branch == "trunk")
    #expect(configuration.source.poll == .seconds(60))
    #expect("\(configuration.source.remote.credentials)".contains("secret-token") == false, "redacted")
    #expect(configuration.results.remote.url.hasSuffix("/results.git"))
    #expect(configuration.results.branch == "history")
    #expect(configuration.agents.listen == ListenAddress(host: "::1", port: 0))
    #expect(configuration.agents.addressFile?.hasSuffix("/address") == true)
    #expect(configuration.api.isLoopback)
    #expect(configuration.leastEpoch == 42)
    #expect(configuration.artifacts == ArtifactRoom(total: 5 << 20, agent: 1 << 20))
  }

  /// A configuration with one mistake, and where and how it is told.
  struct Bad: Sendable, CustomTestStringConvertible {
    let text: String
    let place: String
    let words: [String]
    var testDescription: String { text.replacing("\n", with: " ⏎ ") }

    init(_ text: String, _ place: String, _ words: String...) {
      self.text = text
      self.place = place
      self.words = words
    }
  }

  @Test(arguments: [
    Bad("", "0:0", "empty"),
    Bad("- a\n", "1:1", "mapping"),
    Bad("source: {url: x\n", "", ""),
    Bad("key: k\ninsecure: true\n", "1:1", "source"),
    Bad("source: {url: /s}\ninsecure: true\n", "1:1", "key"),
    Bad(least + "stat: a\n", "4:1", "stat", "state"),
    Bad(least + "state: [a]\n", "4:8", "text"),
    Bad(least + "state: a\nstate: b\n", "5:1", "state"),
    Bad("source: {url: /s, pol: 5s}\nkey: k\ninsecure: true\n", "1:19", "pol", "poll"),
    Bad("source: {url: /s, poll: 1ms}\nkey: k\ninsecure: true\n", "1:25", "500ms"),
    Bad("source: {url: /s, poll: 2h}\nkey: k\ninsecure: true\n", "1:25", "1h"),
    Bad("source: {url: /s, poll: soon}\nkey: k\ninsecure: true\n", "1:25", "duration"),
    Bad("source: {url: \"https://me:pw@forge.example/x\"}\nkey: k\ninsecure: true\n", "1:15", "password", "tokenFile"),
    Bad("source: {url: /s, tokenFile: token, sshKey: k}\nkey: k\ninsecure: true\n", "1:45", "exclude"),
    Bad("source: {url: /s, tokenFile: nowhere}\nkey: k\ninsecure: true\n", "1:30", "nowhere"),
    Bad("source: /s\nkey: k\ninsecure: true\n", "1:9", "mapping"),
    Bad(least + "results: {branch: main}\n", "4:10", "source branch"),
    Bad(least + "results: {flush: 1ms}\n", "4:18", "100ms"),
    Bad(least + "results: {push: 1h}\n", "4:17", "10m"),
    Bad(least + "results: {tokenFile: token}\n", "4:10", "url"),
    Bad(least + "agents: {listen: here}\n", "4:18", "host:port"),
    Bad(least + "agents: {listen: \"127.0.0.1:70000\"}\n", "4:18", "host:port"),
    Bad(least + "agents: {listen: \"0.0.0.0:7420\"}\n", "", "loopback"),
    Bad(least + "agents: {heartbeat: 1ms}\n", "4:21", "100ms"),
    Bad(least + "api: {listen: \"0.0.0.0:7421\"}\n", "4:6", "loopback"),
    Bad(least + "api: {listen: \"127.evil.example.com:1\"}\n", "", "loopback"),
    Bad("source: {url: /s}\nkey: k\n", "1:1", "insecure"),
    Bad("source: {url: /s}\nkey: k\ninsecure: yes\n", "3:11", "true or false"),
    Bad(least + "epoch: 42\n", "4:8", "mapping"),
    Bad(least + "epoch: {last: 42}\n", "4:9", "last", "least"),
    Bad(least + "artifacts: {total: 1023K}\n", "4:20", "1M"),
    Bad(least + "artifacts: {agent: lots}\n", "4:20", "size"),
    Bad(least + "artifacts: {agents: 2M}\n", "4:13", "agents", "agent"),
    Bad(least + "epoch: {least: 0}\n", "4:16", "1"),
    Bad(least + "epoch: {least: 9007199254740993}\n", "4:16", "1099511627776"),
    Bad(least + "---\na: 1\n", "", "document"),
  ])
  func aMistakeIsToldAtItsPlace(_ row: Bad) {
    let mistakes = mistakes(row.text)
    let fitting = mistakes.filter { mistake in
      (row.place.isEmpty || mistake.hasPrefix(row.place + " "))
        && row.words.allSatisfy { $0.isEmpty || mistake.contains($0) }
    }
    #expect(!fitting.isEmpty, "\(mistakes)")
  }

  @Test func allMistakesAreToldAtOnce() {
    #expect(mistakes("source: {poll: 1ms}\nresults: {puhs: 1s}\nfoo: 1\ninsecure: maybe\n").count >= 6)
  }

  @Test(arguments: [
    ("127.0.0.1:1", true), ("127.1.2.3:1", true), ("localhost:1", true), ("[::1]:1", true),
    ("127.0.0.1.evil.example:1", false), ("0.0.0.0:1", false), ("[::]:1", false), ("127.evil:1", false),
    ("127.evil.example.com:1", false),
    ("127.0.0.256:1", false),
  ])
  func loopbackIsOnlyLoopback(_ text: String, _ isLoopback: Bool) {
    #expect(ListenAddress(text)?.isLoopback == isLoopback)
  }
}
