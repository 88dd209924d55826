import Manifest
import Model
import Platform

/// Where a controller's HTTP API is, and the token that opens it.
struct ControllerEndpoint: Hashable {
  /// Without a slash at the end.
  var url: String
  var token: String

  /// From the command line, else from the environment, else from the standard configuration.
  ///
  /// Throws a ``CommandError``, or a `FileError` for a file that cannot be read.
  static func find(
    config: String?, api: String?, tokenFile: String?, in surroundings: Surroundings = .current
  ) throws -> ControllerEndpoint {
    if api != nil, config != nil { throw CommandError(.usage, "--api and --config exclude each other") }
    let environment = surroundings.environment
    if config == nil, let url = api ?? environment["BELFRY_API"] {
      guard let file = tokenFile ?? environment["BELFRY_TOKEN_FILE"] else {
        throw CommandError(
          .usage, "the API at \(url) wants a token", hint: "name its file with --token-file or BELFRY_TOKEN_FILE")
      }
      return ControllerEndpoint(url: try checked(url), token: try line(of: surroundings.absolute(file)))
    }
    if tokenFile != nil { throw CommandError(.usage, "--token-file goes with --api") }
    let path = surroundings.absolute(config ?? environment["BELFRY_CONFIG"] ?? ControllerOptions.standard)
    let state = try stateFolder(path)
    do {
      let address = try line(of: state + "/api.address")
      return ControllerEndpoint(url: "http://" + address, token: try line(of: state + "/api.token"))
    } catch {
      guard error.isMissing else { throw error }
      throw CommandError(
        .unreachable, "\(error.path) is missing: the controller of \(path) has not been started yet",
        hint: "start it with 'belfry controller --config \(path)'")
    }
  }

  /// The token must not travel where others can read it.
  private static func checked(_ url: String) throws(CommandError) -> String {
    let url = url.hasSuffix("/") ? String(url.dropLast()) : url
    // A user name could look like a host: http://127.0.0.1:80@example.com
    let isPlain = !url.unicodeScalars.contains { "@?#\\".unicodeScalars.contains($0) || $0.value <= 0x20 }
    if url.hasPrefix("https://"), isPlain { return url }
    guard url.hasPrefix("http://"), isPlain else {
      throw CommandError(.usage, "'\(url)' is not a URL of the API", hint: "want one such as http://127.0.0.1:7421")
    }
    let authority = url.dropFirst(7).prefix { $0 != "/" }
    let host = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
    guard host == "localhost" || host == "[::1]" || isLoopbackV4(host) else {
      throw CommandError(
        .usage, "the token would cross the network in plain text to \(host)",
        hint: "run this on the controller's host, or use a tunnel: ssh -L 7421:127.0.0.1:7421 HOST")
    }
    return url
  }

  /// `127.1.2.3`, and not `127.example.com` or `127.0.0.1@example.com`.
  private static func isLoopbackV4(_ host: Substring) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// `state` of a controller's configuration. Nothing else of it matters here, and whoever asks for the status need not
  /// be able to read its secrets.
  private static func stateFolder(_ path: String) throws -> String {
    let bytes: [UInt8]
    do {
      bytes = try DurableFile.read(path, limit: 256 * 1024)
    } catch {
      guard error.isMissing else { throw error }
      throw CommandError(
        .unreachable, "there is no controller configuration at \(path)",
        hint: """
          name it with --config FILE or BELFRY_CONFIG, or the API with --api URL --token-file FILE, as 'belfry dev' \
          prints them
          """)
    }
    let file = ParsedFile(path: path, bytes: bytes)
    if let mistake = file.diagnostics.first(where: { $0.severity == .error }) {
      throw CommandError(.bad, "the configuration has mistakes\n\(mistake.rendered)")
    }
    guard let state = file.roots.first?["state"] else { return "/var/lib/belfry" }
    guard let text = state.scalar?.text, !text.isEmpty else {
      throw CommandError(.bad, "\(state.place.text): 'state' must be a folder's path")
    }
    return text.hasPrefix("/") ? text : path[..<(path.lastIndex(of: "/") ?? path.startIndex)] + "/" + text
  }

  /// A file's first line.
  private static func line(of path: String) throws(FileError) -> String {
    let text = String(decoding: try DurableFile.read(path, limit: 4_096), as: UTF8.self)
    return String(text.prefix { !$0.isNewline })
  }
}
