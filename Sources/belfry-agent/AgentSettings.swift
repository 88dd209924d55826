import AgentKit
import Configuration
import Foundation
import Logging
import Model
import Platform
import SystemPackage
import Trust

/// The agent's settings from all three places, checked.
struct AgentSettings {
  static let prefix = "BELFRY_AGENT_"
  /// The settings that there are; anything else with the prefix is a mistake.
  static let names = [
    "NAME", "LABELS", "CONTROLLER", "CONTROLLER_KEY", "STATE", "SHIM", "CGROUP", "LOG_LEVEL", "INSECURE",
    "ENVIRONMENT_FILE", "SHUTDOWN", "SHUTDOWN_TIMEOUT", "QUARANTINE", "DISK_RESERVE", "LEDGER_LIMIT", "STORE_LIMIT",
    "ARTIFACT_SIZE", "ARTIFACT_SPOOL", "SECRETS", "SECRETS_COMMAND", "PLUGINS",
    "HTTP_LINK_LOCAL",
  ]

  let agent: AgentConfiguration
  let logLevel: Logger.Level

  init(command: AgentCommand) async throws {
    let reader = try await Self.reader(command)
    func setting(_ given: String?, _ key: String) -> String? {
      given ?? reader.string(forKey: ConfigKey("belfry.agent.\(key)")).flatMap { $0.isEmpty ? nil : $0 }
    }
    guard let controller = setting(command.controller, "controller") else {
      throw Complaint("where is the controller? give --controller host:port or BELFRY_AGENT_CONTROLLER")
    }
    let address = try Self.address(controller)
    let insecure = command.insecure || reader.bool(forKey: "belfry.agent.insecure", default: false)
    guard insecure, address.isLoopback else {
      throw Complaint(
        insecure
          ? "plain text is allowed only to a controller on this machine, not to \(address.host)"
          : "this version speaks plain text only; give --insecure (or BELFRY_AGENT_INSECURE=true) with a loopback address"
      )
    }
    guard let keyPath = setting(command.controllerKey, "controller.key") else {
      throw Complaint("whom to trust? give --controller-key FILE or BELFRY_AGENT_CONTROLLER_KEY")
    }
    var agent = AgentConfiguration(
      state: Self.absolute(setting(command.state, "state") ?? Self.usualState),
      name: try Self.name(setting(command.name, "name") ?? AgentIdentity.hostName()),
      labels: try Self.labels(setting(command.labels, "labels") ?? ""),
      controller: address, controllerKey: try Self.key(keyPath), shim: setting(command.shim, "shim"),
      cgroup: try setting(command.cgroup, "cgroup").map(Self.cgroup))
    agent.shutdown = try Self.shutdown(
      setting(command.shutdown, "shutdown"), timeout: setting(command.shutdownTimeout, "shutdown.timeout"))
    agent.quarantine = try Self.quarantine(setting(command.quarantine, "quarantine"))
    agent.disk.reserve =
      try Self.size(
        setting(command.diskReserve, "disk.reserve"), "--disk-reserve", 0...(1 << 40)) ?? agent.disk.reserve
    agent.disk.ledger =
      try Self.size(
        setting(command.ledgerLimit, "ledger.limit"), "--ledger-limit", (1 << 20)...(1 << 40)) ?? agent.disk.ledger
    agent.disk.store =
      try Self.size(
        setting(command.storeLimit, "store.limit"), "--store-limit", (1 << 20)...(1 << 40)) ?? agent.disk.store
    agent.artifactSize =
      try Self.size(
        setting(command.artifactSize, "artifact.size"), "--artifact-size", (1 << 10)...(1 << 40)) ?? agent.artifactSize
    agent.artifactSpool =
      try Self.size(
        setting(command.artifactSpool, "artifact.spool"), "--artifact-spool", (1 << 10)...(1 << 40))
      ?? agent.artifactSpool
    agent.secrets = setting(command.secrets, "secrets").map(Self.absolute)
    agent.secretsCommand = setting(command.secretsCommand, "secrets.command")
    if let program = agent.secretsCommand {
      guard program.hasPrefix("/"), access(program, X_OK) == 0 else {
        throw Complaint("--secrets-command: '\(program)' is not the absolute path of a program, without arguments")
      }
    }
    if let folders = setting(command.plugins, "plugins") { agent.plugIns = try Self.folders(folders) }
    agent.allowsLinkLocal = command.httpLinkLocal || reader.bool(forKey: "belfry.agent.http.link.local", default: false)
    self.agent = agent
    let level = setting(command.logLevel, "log.level") ?? "info"
    guard let logLevel = Logger.Level(rawValue: level) else {
      throw Complaint(
        "'\(level)' is no log level; want one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self.logLevel = logLevel
  }

  /// What `debug` needs to know of the agent that had the run.
  static func debugCopy(_ command: AgentCommand) async throws -> DebugCopy {
    let reader = try await reader(command)
    func setting(_ given: String?, _ key: String) -> String? {
      given ?? reader.string(forKey: ConfigKey("belfry.agent.\(key)")).flatMap { $0.isEmpty ? nil : $0 }
    }
    return DebugCopy(
      state: absolute(setting(command.state, "state") ?? usualState),
      name: try setting(command.name, "name").map(name),
      plugIns: try setting(command.plugins, "plugins").map(folders),
      allowsLinkLocal: command.httpLinkLocal || reader.bool(forKey: "belfry.agent.http.link.local", default: false))
  }

  private static let usualState = "/var/lib/belfry-agent"

  /// The environment, and the file that it or the command names.
  private static func reader(_ command: AgentCommand) async throws -> ConfigReader {
    let environment = ProcessInfo.processInfo.environment
    try refuseUnknown(environment.keys, in: "the environment")
    return try await reader(environment, file: command.environmentFile ?? environment[prefix + "ENVIRONMENT_FILE"])
  }

  private static func folders(_ text: String) throws(Complaint) -> [String] {
    let folders = text.split(separator: ":").map(String.init)
    if let folder = folders.first(where: { !$0.hasPrefix("/") }) {
      throw Complaint("--plugins: '\(folder)' is not an absolute path")
    }
    return folders
  }

  private static func reader(_ environment: [String: String], file: String?) async throws -> ConfigReader {
    var providers: [any ConfigProvider] = [EnvironmentVariablesProvider(environmentVariables: environment)]
    if let file {
      do {
        let text = String(decoding: try DurableFile.read(file, limit: 1 << 20), as: UTF8.self)
        let keys = text.split(whereSeparator: \.isNewline).map { $0.prefix { $0 != "=" }.filter { !$0.isWhitespace } }
        try refuseUnknown(keys.filter { !$0.hasPrefix("#") }, in: file)
        providers.append(try await EnvironmentVariablesProvider(environmentFilePath: FilePath(file)))
      } catch let error as FileError {
        throw Complaint("\(error)")
      }
    }
    return ConfigReader(providers: providers)
  }

  /// A misspelt setting must not silently mean its default.
  private static func refuseUnknown(_ keys: some Sequence<String>, in place: String) throws(Complaint) {
    for key in keys where key.hasPrefix(prefix) {
      let name = String(key.dropFirst(prefix.count))
      guard !names.contains(name) else { continue }
      let nearest = Suggestion.nearest(to: name, among: names).map { "; did you mean \(prefix)\($0)?" } ?? ""
      throw Complaint("unknown setting \(key) in \(place)\(nearest)")
    }
  }

  private static func address(_ text: String) throws(Complaint) -> ControllerAddress {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (1...65_535).contains(port)
    else { throw Complaint("'\(text)' is not host:port, such as 127.0.0.1:7420") }
    return ControllerAddress(host: text[..<colon].filter { $0 != "[" && $0 != "]" }, port: port)
  }

  private static func shutdown(_ runs: String?, timeout: String?) throws(Complaint) -> AgentShutdown {
    var shutdown = AgentShutdown()
    if let runs {
      guard let known = AgentShutdown.Runs(rawValue: runs) else {
        throw Complaint("--shutdown: '\(runs)' is neither 'wait' nor 'leave'")
      }
      shutdown.runs = known
    }
    if let timeout {
      guard let limit = Duration(manifest: timeout), limit >= .seconds(1), limit <= .seconds(7 * 86_400) else {
        throw Complaint("--shutdown-timeout: '\(timeout)' is no duration from 1s to 7d, such as 90s or 10m")
      }
      shutdown.limit = limit
    }
    return shutdown
  }

  private static func quarantine(_ text: String?) throws(Complaint) -> QuarantineRule {
    guard let text else { return QuarantineRule() }
    guard let crashes = Int(text), (0...1_000).contains(crashes) else {
      throw Complaint("--quarantine: '\(text)' is no number of crashes from 0 (never) to 1000")
    }
    return QuarantineRule(crashes: crashes)
  }

  /// A number of bytes, with `K`, `M` or `G` behind it for 1024, 1024² and 1024³ of them.
  private static func size(
    _ text: String?, _ name: String, _ range: ClosedRange<Int64>
  ) throws(Complaint) -> Int64? {
    guard let text else { return nil }
    let units: [Character: Int64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
    let unit = text.last.flatMap { units[$0] }
    let digits = unit == nil ? text[...] : text.dropLast()
    guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int64(digits),
      case let (bytes, overflow) = number.multipliedReportingOverflow(by: unit ?? 1), !overflow, range.contains(bytes)
    else {
      throw Complaint("\(name): '\(text)' is no size from \(range.lowerBound) to 1024G, such as 64M")
    }
    return bytes
  }

  private static func name(_ text: String) throws(Complaint) -> AgentName {
    do { return try AgentName(text) } catch { throw Complaint("--name: \(error)") }
  }

  private static func labels(_ text: String) throws(Complaint) -> [String: String] {
    var labels: [String: String] = [:]
    for pair in text.split(separator: ",") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
        throw Complaint("--labels: '\(pair)' is not key=value")
      }
      guard labels.updateValue(String(parts[1]), forKey: String(parts[0])) == nil else {
        throw Complaint("--labels: '\(parts[0])' stands twice")
      }
    }
    return labels
  }

  private static func key(_ path: String) throws(Complaint) -> PublicKey {
    do {
      return try PublicKey(pem: String(decoding: try DurableFile.read(path, limit: 16_384), as: UTF8.self))
    } catch {
      throw Complaint("--controller-key \(path): \(error)")
    }
  }

  private static func cgroup(_ text: String) throws(Complaint) -> String {
    guard text.hasPrefix("/"), !text.split(separator: "/").contains("..") else {
      throw Complaint("--cgroup: '\(text)' is no cgroup, such as /system.slice/belfry-runs.service")
    }
    return text
  }

  static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }
}
