import Glibc
import Model
import Synchronization
import TestSupport
import Testing

@testable import Execution

/// Where secrets come from.
@Suite(.timeLimit(.minutes(10))) struct SecretTests {
  private func text(_ secret: Secret) -> String { secret.withBytes { String(decoding: $0, as: UTF8.self) } }

  @Test func `nothing prints a secret`() {
    let secret = Secret(Array("hunter2hunter2".utf8))
    var dumped = ""
    dump(["a": secret], to: &dumped)
    for words in [
      "\(secret)", String(describing: secret), String(reflecting: secret), "\([secret])", "\(Optional(secret) as Any)",
      dumped,
    ] {
      #expect(!words.contains("hunter2") && words.contains("secret"), "\(words)")
    }
    #expect(text(secret) == "hunter2hunter2")
  }

  struct File: CustomTestStringConvertible {
    let testDescription: String
    var bytes = Array("hunter2".utf8)
    var mode: mode_t = 0o600
    var value: String?
    var reason = ""
  }

  @Test(arguments: [
    File(testDescription: "as it is", value: "hunter2"),
    File(testDescription: "a newline at its end", bytes: Array("hunter2\n".utf8), value: "hunter2"),
    File(testDescription: "two newlines", bytes: Array("hunter2\n\n".utf8), value: "hunter2\n"),
    File(testDescription: "a carriage return", bytes: Array("hunter2\r\n".utf8), value: "hunter2\r"),
    File(
      testDescription: "the largest", bytes: [UInt8](repeating: 0x61, count: 64 << 10) + [0x0a],
      value: String(repeating: "a", count: 64 << 10)),
    File(
      testDescription: "larger", bytes: [UInt8](repeating: 0x61, count: 64 << 10 + 1), reason: "more than 65536 bytes"),
    File(
      testDescription: "much larger", bytes: [UInt8](repeating: 0x61, count: 1 << 20), reason: "more than 65536 bytes"),
    File(testDescription: "empty", bytes: [], reason: "is empty"),
    File(testDescription: "a newline alone", bytes: [0x0a], reason: "is empty"),
    File(testDescription: "three bytes", bytes: Array("abc\n".utf8), reason: "fewer than 4 bytes"),
    File(testDescription: "read by its group", mode: 0o640, reason: "can be read by others: chmod 600"),
    File(testDescription: "read by all", mode: 0o604, reason: "can be read by others: chmod 600"),
  ]) func `a file`(_ row: File) throws {
    let files = try TemporaryFolder()
    chmod(files.path, 0o700)
    chmod(try files.write("db", bytes: row.bytes), row.mode)
    let source = SecretSource(folder: files.path)
    do {
      let found = text(try source.secret(try SecretName("db"), before: .max))
      #expect(found == row.value)
    } catch let error as ExecutionError {
      #expect(row.value == nil && error.code == .noSecret && error.message.contains(row.reason), "\(error)")
      #expect(!error.message.contains("hunter2"))
    }
  }

  @Test func `only what is a file of ours, and there, is a secret`() throws {
    let files = try TemporaryFolder()
    chmod(files.path, 0o700)
    chmod(try files.write("target", "hunter2"), 0o600)
    symlink(files.path("target"), files.path("link"))
    mkfifo(files.path("fifo"), 0o600)
    mkdir(files.path("folder"), 0o700)
    let source = SecretSource(folder: files.path)
    for name in ["link", "fifo", "folder", "absent"] {
      let error = #expect(throws: ExecutionError.self) { try source.secret(try SecretName(name), before: .max) }
      #expect(error?.code == .noSecret)
    }
    if isRoot() {
      chown(files.path("target"), 65_534, 65_534)
      let error = #expect(throws: ExecutionError.self) { try source.secret(try SecretName("target"), before: .max) }
      #expect(error?.message.contains("belongs to user 65534") == true)
      chown(files.path("target"), 0, 0)
    }
    chmod(files.path, 0o777)
    let error = #expect(throws: ExecutionError.self) { try source.secret(try SecretName("target"), before: .max) }
    #expect(error?.message.contains("chmod 700") == true)
  }

  private func source(_ files: TemporaryFolder, _ script: String) throws -> SecretSource {
    chmod(files.path, 0o755)
    // Copied by another process: a program that this one has open for writing, if only in a child that another test has just
    // forked, cannot be run (ETXTBSY).
    let text = try files.write("vault.txt", "#!/bin/sh\n\(script)\n", executable: true)
    try command(["cp", text, files.path("vault")])
    return SecretSource(folder: files.path("none"), command: files.path("vault"))
  }

  private func soon(_ milliseconds: Int = 20_000) -> Int { MonotonicTime.now + milliseconds }

  @Test func `a command is asked for what has no file`() throws {
    let files = try TemporaryFolder()
    var source = try source(files, #"test $# = 1 && test ! -t 0 && ! read line && printf 'of %s\n' "$1""#)
    #expect(text(try source.secret(try SecretName("db.x-1"), before: soon())) == "of db.x-1")
    mkdir(files.path("own"), 0o700)
    chmod(try files.write("own/db", "from a file"), 0o600)
    source.folder = files.path("own")
    #expect(text(try source.secret(try SecretName("db"), before: soon())) == "from a file")
    #expect(text(try source.secret(try SecretName("other"), before: soon())) == "of other")
  }

  @Test func `a command that fails or says too much gives no secret`() throws {
    let files = try TemporaryFolder()
    for (script, reason) in [
      ("echo hunter2; exit 3", "exit code 3"), ("kill -9 $$", "signal 9"), ("exit 0", "is empty"),
      ("head -c 65537 /dev/zero", "more than 65536"), ("yes 2>/dev/null", "more than 65536"),
      ("echo abc", "fewer than 4"),
    ] {
      let source = try source(files, script)
      let error = #expect(throws: ExecutionError.self) { try source.secret(try SecretName("db"), before: soon()) }
      #expect(error?.code == .noSecret && error?.message.contains(reason) == true, "\(script): \(error as Any)")
      #expect(error?.message.contains("hunter2") == false)
    }
    let none = SecretSource(folder: "/none", command: "/none/vault")
    #expect(throws: ExecutionError.self) { try none.secret(try SecretName("db"), before: soon()) }
  }

  @Test func `a command that hangs is killed with what it started`() async throws {
    let files = try TemporaryFolder()
    let held = files.path("held")
    mkfifo(held, 0o600)
    let source = try source(files, "exec 9>\(held); sleep 600 & sleep 600")
    // Opened before anybody writes: whether a writer is left shows in what reading gives.
    let reader = try Descriptor(open: held, O_RDONLY | O_NONBLOCK)
    let result = await SecretFetcher(source: source, patience: .milliseconds(500)).values(of: [try SecretName("db")])
    guard case .failure(let error) = result else { throw Unexpected("a secret from nowhere") }
    // Whichever of the two deadlines is noticed first.
    #expect(error.code == .noSecret && error.message.contains("no answer for"), "\(error)")
    let isGone = Self.hasEnded(reader)
    #expect(isGone, "nothing of it is left")
    // One that has closed its output and goes on.
    let quiet = try self.source(files, "exec >/dev/null; sleep 600")
    guard
      case .failure = await SecretFetcher(source: quiet, patience: .milliseconds(200)).values(of: [try SecretName("db")]
      )
    else { throw Unexpected("a secret from nowhere") }
  }

  /// Whether the last writer is gone, or goes within half a minute.
  private static func hasEnded(_ reader: borrowing Descriptor) -> Bool {
    var byte: UInt8 = 0
    var end = pollfd(fd: reader.number, events: 0, revents: 0)
    return read(reader.number, &byte, 1) == 0 || poll(&end, 1, 30_000) == 1
  }

  /// A look-up that never ends costs those that need it, and those that wait behind it only their own time.
  @Test func `one that hangs keeps no other waiting`() async throws {
    let files = try TemporaryFolder()
    let held = files.path("held")
    mkfifo(held, 0o600)
    let source = try source(files, "case $1 in slow) head -n 1 \(held);; *) echo value;; esac")
    // For reading too, so that neither side waits for the other to open it.
    let writer = try Descriptor(open: held, O_RDWR)
    let fetcher = SecretFetcher(source: source, patience: .seconds(60), width: 2)
    let (slow, quick) = (try SecretName("slow"), try SecretName("quick"))
    async let late = fetcher.values(of: [slow])
    for _ in 0..<5 {
      let values = try await fetcher.values(of: [quick]).get()
      #expect(values[quick].map(text) == "value")
    }
    try writer.write(Array("at last\n".utf8), name: held)
    #expect(try await late.get()[slow].map(text) == "at last")
  }

  @Test func `all secrets of a run together are bounded`() async throws {
    let files = try TemporaryFolder()
    let source = try source(files, "head -c 65536 /dev/zero | tr '\\000' x")
    let names = Set(try (0..<9).map { try SecretName("s\($0)") })
    guard case .failure(let error) = await SecretFetcher(source: source).values(of: names) else {
      throw Unexpected("too much was taken")
    }
    #expect(error.message.contains("more than 524288 bytes together"))
  }
}
