import Glibc
import Model

/// The secrets of one attempt as the shim takes them: in sealed memory that it inherits, so that they are on no disk and in
/// no command line. The format stands in Sources/shim/secrets.h.
enum SecretMemory {
  /// Under which number the shim has it; it closes it before the job's program.
  static let numberInShim: Int32 = 101

  private static let magic = Array("BFSECR01".utf8)

  /// Throws `noSecret` for a value that cannot be a variable.
  static func holding(
    _ secrets: SecretValues, variables: [String: SecretName]
  ) throws(ExecutionError) -> SealedMemory {
    var bytes = magic
    // All of it at once: what an array leaves behind when it grows is not overwritten.
    bytes.reserveCapacity(
      64 + secrets.values.reduce(0) { $0 + $1.count + 8 }
        + variables.reduce(0) { $0 + $1.key.utf8.count + 10 + (secrets[$1.value]?.count ?? 0) })
    defer { Secret.overwrite(&bytes) }
    for (variable, name) in variables.sorted(by: { $0.key < $1.key }) {
      if let problem = RefusedVariables.problem(in: variable) { throw ExecutionError(.refused, problem) }
      guard let secret = secrets[name] else { throw ExecutionError(.noSecret, "this agent has no secret \(name)") }
      guard !secret.withBytes({ $0.contains(0) }) else {
        throw ExecutionError(
          .noSecret, "the secret \(name) holds a NUL, so it cannot be the variable \(variable); its file can be read")
      }
      append(1, Array("\(variable)=".utf8), secret, end: [0], to: &bytes)
    }
    for (_, secret) in secrets.sorted(by: { $0.key < $1.key }) { append(2, [], secret, end: [], to: &bytes) }
    bytes.append(littleEndian: ShimSpec.end)
    bytes.append(littleEndian: UInt32(0))
    return try SealedMemory.holding(bytes, name: "belfry", mode: 0o400)
  }

  private static func append(_ tag: UInt32, _ start: [UInt8], _ secret: Secret, end: [UInt8], to bytes: inout [UInt8]) {
    bytes.append(littleEndian: tag)
    bytes.append(littleEndian: UInt32(start.count + secret.count + end.count))
    bytes += start
    secret.withBytes { bytes.append(contentsOf: $0) }
    bytes += end
  }
}
