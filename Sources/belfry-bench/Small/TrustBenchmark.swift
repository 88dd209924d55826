import ArgumentParser
import Model
import Results
import Trust

struct TrustCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust",
    abstract: "Hashing and verifying, beside `openssl speed`.",
    discussion: """
      Examples:
        belfry-bench trust
      """)

  @OptionGroup var options: BenchOptions

  func run() async throws {
    try await options.measure { try await TrustBenchmark(seconds: options.quick ? 1 : 3).run(into: $0) }
  }
}

/// SHA-256 and Ed25519 as Belfry calls them.
struct TrustBenchmark {
  /// For each measurement.
  var seconds: Int

  func run(into report: Report) async throws {
    report.heading("trust", "SHA-256 and Ed25519 on one core")
    try await hashing(bytes: 1 << 20, "1 MiB", into: report)
    try await hashing(bytes: 4 << 10, "4 KiB", into: report)
    try await verifying(into: report)
    report.end()
  }

  private func hashing(bytes count: Int, _ name: String, into report: Report) async throws {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let rate = Stopwatch.rate(batch: count, for: Double(seconds)) { _ = SHA256.hash(bytes) }
    let floor = try await openssl("-bytes", "\(count)", "-evp", "sha256", prefix: "+F:", field: 3)
    report.add(
      Figure(
        "SHA-256 of \(name)", rate / 1e9, .gigabytesPerSecond, beside: .floor("openssl speed sha256", floor / 1e9)))
  }

  private func verifying(into report: Report) async throws {
    let source = try ReceiptSource(.twentyJobs)
    let signed = try source.batch(0)[0].signed
    guard let key = source.agentKeys[signed.value.agent] else { throw BenchError("the receipt's agent has no key") }
    let message = Array("a message of some sixty bytes, about as long as openssl speed's".utf8)
    let signer = try SigningKey.generate()
    let signature = try signer.sign(message)
    let floor = try await openssl("ed25519", prefix: "+F6:", field: 5)
    let plain = try Stopwatch.rate(batch: 1, for: Double(seconds)) {
      guard signer.publicKey.verify(signature: signature, of: message) else {
        throw BenchError("a good signature fails")
      }
    }
    report.add(
      Figure("Ed25519 verifications", plain, .perSecond, beside: .floor("openssl speed ed25519", floor)))
    let receipts = try Stopwatch.rate(batch: 1, for: Double(seconds)) {
      _ = try verifyReceipt(signed.bytes, key: key, agent: signed.value.agent)
    }
    report.add(
      Figure(
        "receipts checked: envelope, signature, form", receipts, .perSecond,
        beside: .floor("openssl speed ed25519", floor)))
  }

  /// One number of `openssl speed`'s machine-readable output.
  private func openssl(_ words: String..., prefix: String, field: Int) async throws -> Double {
    let output = try await Tool.run(["openssl", "speed", "-mr", "-elapsed", "-seconds", "\(seconds)"] + words)
    let line = output.split(separator: "\n").first { $0.hasPrefix(prefix) }
    let fields = line?.split(separator: ":") ?? []
    guard fields.count > field, let value = Double(fields[field]) else {
      throw BenchError("cannot read what openssl speed prints: \(output.suffix(200))")
    }
    return value
  }
}
