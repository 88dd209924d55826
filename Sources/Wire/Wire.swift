// Wire: the contract between agents and a controller (belfry.proto), its generated code, and what both ends must
// agree on beyond it. No sockets here: the kits own the connections.

public import Foundation
public import Model

/// The version of the contract that this code speaks.
public let wireProtocol: UInt32 = 1

/// Sizes that both ends hold each other to.
public enum WireLimits {
  /// Bytes of a file in one chunk.
  public static let chunk = 64 * 1024
  /// Bytes of artifacts that a controller has asked an agent for and not got yet.
  public static let artifactWindow = 512 * 1024
  /// Bytes of one message. An assignment is the largest that there is.
  public static let message = 12 * 1024 * 1024
  /// Receipts that an agent sends before it waits for an acknowledgement.
  public static let receiptWindow = 256
  /// Bundles and files that an agent has asked for and not got yet; each counts once, however often it is asked for.
  public static let outstandingContent = 200_000
  /// Messages that wait for an agent to read them, content not counted.
  public static let outstandingMessages = 4_096
  /// Bytes of them.
  public static let outstandingBytes = 32 * 1024 * 1024
}

/// The texts that the two ends sign when a stream begins.
///
/// Each names its purpose, both ends' random numbers and the agent, so that a signature from one stream, one direction
/// or one agent is worth nothing in another.
public enum Handshake {
  /// What the controller signs in `Welcome`.
  public static func welcomeBytes(agent: AgentID, nonce: String, challenge: String, epoch: Int64) -> [UInt8] {
    Array("belfry welcome v1\n\(agent.text)\n\(nonce)\n\(challenge)\n\(epoch)\n".utf8)
  }

  /// What the agent signs in `Proof`.
  public static func proofBytes(agent: AgentID, name: AgentName, nonce: String, challenge: String) -> [UInt8] {
    Array("belfry proof v1\n\(agent.text)\n\(name.text)\n\(nonce)\n\(challenge)\n".utf8)
  }

  /// Whether a nonce or a challenge is 32 to 64 lower-case hexadecimal digits.
  public static func isRandom(_ text: String) -> Bool {
    (32...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}

extension Collection<UInt8> {
  /// The bytes as protobuf's `bytes` fields hold them.
  public var data: Data { Data(self) }
}
