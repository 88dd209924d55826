import Model
import TestSupport

@testable import Trust

// What all tests here share: fixed keys, one object of each kind, and how a refusal is written down.

let controllerKey = key(seed: 1)
let agentKey = key(seed: 2)
let otherKey = key(seed: 3)
let agentID = name { try AgentID("5f0c3a52-7a3e-4d0b-9c55-0a1b2c3d4e5f") }
let otherAgentID = name { try AgentID("6f0c3a52-7a3e-4d0b-9c55-0a1b2c3d4e5f") }
let now = time("2026-11-20T02:30:00Z")
let nonce = "c29tZSBub25jZQ"

func key(seed: UInt8) -> SigningKey { name { try SigningKey(seed: [UInt8](repeating: seed, count: 32)) } }

/// For literals of these tests: ends the test process when one is wrong.
func name<T>(_ make: () throws -> T) -> T {
  do { return try make() } catch { preconditionFailure("\(error)") }
}

func time(_ text: String) -> Timestamp { Timestamp(rfc3339: text) ?? Timestamp(seconds: 0) }

/// The code of the error; nil when nothing was thrown.
func refusal<T>(_ body: () throws -> T) -> TrustError.Code? {
  do {
    _ = try body()
    return nil
  } catch {
    return (error as? TrustError)?.code ?? .library
  }
}

func hex(_ text: String) -> [UInt8] {
  let digits = Array(text.utf8)
  return stride(from: 0, to: digits.count, by: 2).compactMap {
    UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
  }
}

func hexText(_ bytes: [UInt8]) -> String { bytes.map { padded($0) }.joined() }
private func padded(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

enum Sample {
  static let digest = SHA256.hash(Array("#!/bin/sh\n".utf8))
  static let commit = name { try CommitID(String(repeating: "ab", count: 20)) }
  static let job = Job(
    name: name { try JobName("orders/backup") }, summary: "Dump \"orders\" é", labels: ["tier": "gold"],
    triggers: [.cron(expression: "30 2 * * *", timezone: "Europe/Berlin")],
    run: RunSpec(program: .script("jobs/backup.sh"), params: ["depth": .integer(3)], env: ["LANG": "C"]))

  static let bundle = Bundle(
    source: Model.SourceLocation(repository: "https://example.com/jobs.git", branch: "main", path: "jobs/backup.yaml"),
    job: job,
    files: [
      BundleFile(path: "jobs/backup.sh", digest: digest, size: 10, executable: true),
      BundleFile(path: "lib/é.sh", digest: SHA256.hash([]), size: 0, executable: false),
    ])

  static let assignment = Assignment(
    agent: agentID, position: Position(epoch: 3, sequence: 7), issued: now, expires: now + .seconds(86_400),
    entries: [
      .init(job: job.name, bundle: bundle.digest, commit: commit, lease: .seconds(604_800))
    ])

  static let dispatch = Dispatch(
    agent: agentID, epoch: 3, nonce: nonce, job: job.name, bundle: bundle.digest, request: "req-1", nominal: now,
    startBy: now + .seconds(60), params: ["depth": .integer(9)])

  static let receipt: Receipt = {
    let occurrence = Occurrence(job: job.name, nominal: now)
    return Receipt(
      run: occurrence.run(on: agentID), occurrence: occurrence, agent: agentID,
      agentName: name { try AgentName("db-1") }, bundle: bundle.digest, commit: commit, outcome: .ran(.failed),
      reason: "exit 3", started: now + .milliseconds(3), ended: now + .seconds(2),
      attempts: [
        .init(
          number: 1, started: now + .milliseconds(3), ended: now + .seconds(2), state: .failed, exitCode: 3,
          log: .init(digest: digest, written: 10, kept: 10),
          resources: .init(user: .microseconds(1_500), system: .microseconds(700), peakMemory: 4_096_000))
      ])
  }()
}

/// One kind of signed object with everything that is needed to accept it.
struct Kind: Sendable, CustomStringConvertible {
  let description: String
  let type: String
  let limit: Int
  let signer: SigningKey
  let valid: [UInt8]
  let verify: @Sendable ([UInt8], PublicKey) throws -> [UInt8]

  /// The same with the signer's own key.
  func verify(_ bytes: [UInt8]) throws -> [UInt8] { try verify(bytes, signer.publicKey) }

  private init<Value: SignedContent>(
    _ value: Value, _ signer: SigningKey, _ verify: @escaping @Sendable ([UInt8], PublicKey) throws -> Signed<Value>
  ) {
    description = Value.kindName
    type = Value.payloadType
    limit = Value.payloadLimit
    self.signer = signer
    valid = name { try signer.sign(value).bytes }
    self.verify = { try verify($0, $1).bytes }
  }

  static let all: [Kind] = [
    Kind(Sample.bundle, controllerKey) { try verifyBundle($0, key: $1, named: Sample.bundle.digest) },
    Kind(Sample.assignment, controllerKey) {
      try verifyAssignment($0, key: $1, agent: agentID, held: .none, now: now)
    },
    Kind(Sample.dispatch, controllerKey) {
      try verifyDispatch($0, key: $1, agent: agentID, epoch: 3, nonce: nonce, usedRequests: [], now: now)
    },
    Kind(Sample.receipt, agentKey) { try verifyReceipt($0, key: $1, agent: agentID) },
  ]
}
