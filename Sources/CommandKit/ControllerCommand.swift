public import ArgumentParser
import ControllerKit
import Foundation
public import Logging
import Model
import Platform
import ServiceLifecycle
import Trust
import UnixSignals

struct ControllerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "controller",
    abstract: "Run the controller: poll the source, keep the fleet in step with it, and commit results.",
    discussion: """
      Everything that it holds beside its key is a cache: the source branch says what is to run, the results branch
      says what did. Stop it with TERM or INT; agents go on firing without it.

      When another controller takes the results branch over, this one stops with exit code 3.

      Examples:
        belfry keys generate /etc/belfry/controller
        belfry controller --config /etc/belfry/controller.yaml

      The least that controller.yaml needs:
        source: {url: /srv/git/jobs.git}
        key: controller.key
        insecure: true
      """)

  @Option(name: [.short, .long], help: "The configuration file.")
  var config = "/etc/belfry/controller.yaml"

  @Option(help: "How this controller calls itself in commits. Default: the host's name.")
  var writer: String?

  @Option(help: "trace, debug, info, notice, warning, error or critical.")
  var logLevel = Logger.Level.info

  func run() async throws {
    let surroundings = Surroundings.current
    let configuration = try ControllerConfiguration.load(surroundings.absolute(config))
    let key = try signingKey(configuration.key)
    var logger = Logger(label: "belfry") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = logLevel
    let controller = Controller(
      configuration: configuration, key: key, writer: writer ?? ProcessInfo.processInfo.hostName,
      version: BelfryVersion.text, logger: logger,
      onReady: { addresses in
        try? surroundings.print("ready agents=\(addresses.agents.text) api=\(addresses.api.text)\n")
      })
    try await runUntilSignalled([controller], logger: logger)
  }

  private func signingKey(_ path: String) throws -> SigningKey {
    do {
      return try SigningKey(pem: String(decoding: try DurableFile.read(path, limit: 16_384), as: UTF8.self))
    } catch let error as FileError where error.isMissing {
      throw CommandError(.unreachable, "\(error)", hint: "'belfry keys generate \(path.droppingKeySuffix)' makes one")
    } catch let error as TrustError {
      throw CommandError(.bad, "\(path): \(error.message)")
    }
  }
}

/// Runs services until TERM or INT, then lets them end in order.
func runUntilSignalled(_ services: [any Service], logger: Logger) async throws {
  var quiet = logger
  quiet.logLevel = .error
  let group = ServiceGroup(
    configuration: ServiceGroupConfiguration(
      services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
      gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
  do {
    try await group.run()
  } catch let error as ControllerFenced {
    throw CommandError(
      .unreachable, error.description, hint: "if this one is meant to act, stop the other and start this one again")
  }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

extension String {
  fileprivate var droppingKeySuffix: String { hasSuffix(".key") ? String(dropLast(4)) : self }
}
