import ArgumentParser
import Glibc
import Model
import NIOCore
import Platform
import Trust

struct ArtifactsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "artifacts",
    abstract: "List the files that a run gave back, or fetch one of them.",
    discussion: """
      Asks the running controller, which keeps what agents send as long as there is room. The SHA-256 of each file stands in \
      the run's signed receipt; what is fetched is checked against it. RUN is a run's id, or its first four digits or more. \
      Without -o the file is written under the last part of its name into the present folder; what is there is never \
      overwritten. '-o -' writes to standard output.

      Examples:
        belfry artifacts 5f1c09aa7b3e
        belfry artifacts 5f1c09aa7b3e get out/orders.sql.gz
        belfry artifacts 5f1c09aa7b3e get out/orders.sql.gz -o - | zcat | head
        belfry artifacts 5f1c09aa7b3e get report.txt --attempt 1
      """)

  @Argument(help: "The run's id, or its first four digits or more.")
  var run: String

  @Argument(help: ArgumentHelp("'get', to fetch one.", valueName: "get"))
  var verb: String?

  @Argument(help: "The file's name, as the list shows it.")
  var name: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("Where it goes; '-' is standard output.", valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp("Of which attempt; default: the last one that has it.", valueName: "number"),
    transform: countArgument)
  var attempt: Int?

  @OptionGroup var controller: ControllerOptions
  @OptionGroup var format: FormatOption

  func validate() throws {
    guard verb == nil || verb == "get" else {
      throw ValidationError("after the run comes 'get' and a name, or nothing")
    }
    guard (verb == nil) == (name == nil) else { throw ValidationError("'get' wants the name of one file") }
    guard verb != nil || output == nil && attempt == nil else {
      throw ValidationError("-o and --attempt go with 'get'")
    }
    guard (4...20).contains(run.utf8.count),
      run.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else {
      throw ValidationError("'\(run)' is not a run's id: want 20 lower-case hexadecimal digits, or the first 4 or more")
    }
  }

  func run() async throws {
    let surroundings = Surroundings.current
    let client = try controller.client()
    let answer = try await client.get("/v1/runs/\(run)/artifacts")
    let list = try ArtifactList(json: answer)
    guard let name else {
      return try format.isJSON ? surroundings.print(answer) : surroundings.print(list.text)
    }
    let file = try list.find(name, attempt: attempt)
    let path = "/v1/runs/\(list.run)/artifacts/\(file.artifact.digest.hex)"
    let target = output ?? String(name.split(separator: "/").last ?? "")
    if target == "-" {
      try await fetch(path, file.artifact, client) { try surroundings.output($0) }
    } else {
      try await save(path, file.artifact, client, to: surroundings.absolute(target))
      surroundings.complain("Wrote \(TerminalText.neutralised(target)), \(file.artifact.size) bytes.\n")
    }
  }

  /// Writes beside the target, and puts it in its place only when all bytes are the right ones.
  private func save(_ path: String, _ artifact: Artifact, _ client: ControllerClient, to target: String) async throws {
    guard !NewFile.exists(target) else {
      throw CommandError(.bad, "\(target) is there already", hint: "name another file with -o")
    }
    let temporary = "\(target).part-\(RandomName.hex(bytes: 4))"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw CommandError(errno: errno, "cannot make \(temporary)") }
    defer {
      close(descriptor)
      unlink(temporary)
    }
    try await fetch(path, artifact, client) { try Self.write($0, to: descriptor, temporary) }
    guard fsync(descriptor) == 0 else { throw CommandError(errno: errno, "cannot write \(temporary)") }
    // link(2) and not rename(2): what has come there meanwhile stays.
    guard link(temporary, target) == 0 else { throw CommandError(errno: errno, "cannot make \(target)") }
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(CommandError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw CommandError(errno: errno, "cannot write \(path)") }
      rest = rest.dropFirst(count)
    }
  }

  private func fetch(
    _ path: String, _ artifact: Artifact, _ client: ControllerClient, _ take: ([UInt8]) throws -> Void
  ) async throws {
    var bytes: Int64 = 0
    // The stream is not copyable, and closures take only what is.
    let hash = HashBox()
    try await client.download(path) { piece in
      let piece = Array(piece.readableBytesView)
      bytes += Int64(piece.count)
      guard bytes <= artifact.size else { throw CommandError(.bad, "the controller sends more than the receipt names") }
      hash.update(piece)
      try take(piece)
    }
    guard bytes == artifact.size, hash.finish() == artifact.digest else {
      throw CommandError(
        .bad, "these are not the bytes that the receipt names: the controller's copy is damaged",
        hint: "its SHA-256 should be \(artifact.digest.hex)")
    }
  }
}

/// A digest of what comes in pieces.
private final class HashBox {
  private var stream = SHA256.Stream()

  func update(_ bytes: [UInt8]) { stream.update(bytes) }

  /// Of everything so far, and begins anew.
  func finish() -> Digest {
    var finished = SHA256.Stream()
    swap(&finished, &stream)
    return finished.finish()
  }
}

/// `GET /v1/runs/RUN/artifacts`.
struct ArtifactList: Hashable {
  struct File: Hashable {
    var attempt: Int
    var artifact: Artifact
    var state: String
    var reason: String?
  }

  var run: RunID
  var job: JobName
  var agent: AgentName
  var files: [File]

  init(json: JSONValue) throws(JSONError) {
    var fields = try JSONFields(json, "artifacts")
    run = try fields.required("run") { try $0.stringValue.map { try RunID($0) } }
    job = try fields.required("job") { try $0.stringValue.map { try JobName($0) } }
    agent = try fields.required("agent") { try $0.stringValue.map { try AgentName($0) } }
    files = try fields.list("artifacts") { value in
      var file = try JSONFields(value, "artifacts.artifacts")
      return File(
        attempt: Int(try file.integer("attempt")),
        artifact: Artifact(
          name: try file.string("name"), size: try file.integer("size"),
          digest: try file.required("sha256") { try $0.stringValue.map { try Digest(hex: $0) } }),
        state: try file.string("state"), reason: try file.optional("reason", \.stringValue))
    }
  }

  var text: String {
    var table = Table("NAME", "BYTES", "SHA-256", "ATTEMPT", "STATE", "NOTE")
    for file in files {
      table.add(
        file.artifact.name, String(file.artifact.size), String(file.artifact.digest.hex.prefix(12)),
        String(file.attempt), file.state, file.reason)
    }
    return "\(job) on \(agent), run \(run)\n\n\(table.text)"
  }

  /// Throws a ``CommandError`` unless the file can be fetched.
  func find(_ name: String, attempt: Int?) throws(CommandError) -> File {
    let found = files.filter { $0.artifact.name == name && (attempt == nil || $0.attempt == attempt) }
    guard let file = found.max(by: { $0.attempt < $1.attempt }) else {
      let near = Suggestion.nearest(to: name, among: files.map(\.artifact.name))
      throw CommandError(
        .bad, "the run gave back no file '\(name)'" + (attempt.map { " in attempt \($0)" } ?? ""),
        hint: near.map { "did you mean '\($0)'?" })
    }
    switch file.state {
    case "stored": return file
    case "expected":
      throw CommandError(
        .bad, "'\(name)' has not come yet", hint: "the agent sends it while it is connected; try again later")
    case "removed":
      throw CommandError(
        .bad, "'\(name)' was removed to make room for newer ones",
        hint: "'artifacts' of the controller's configuration says how much is kept")
    default: throw CommandError(.bad, "'\(name)' never came: \(file.reason ?? file.state)")
    }
  }
}
