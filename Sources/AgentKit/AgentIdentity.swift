import Glibc
public import Model
import Platform
public import Trust

/// Who the agent is: an id and a key that it made itself at its first start, and a name.
public struct AgentIdentity: Sendable {
  public let id: AgentID
  public let name: AgentName
  public let key: SigningKey

  public init(id: AgentID, name: AgentName, key: SigningKey) {
    self.id = id
    self.name = name
    self.key = key
  }

  /// Reads `agent.id` and `agent.key` from the state folder, or makes them.
  ///
  /// The key is written first: an id without a key would be a new identity under an old name. The name goes to `agent.name`,
  /// for people and for `debug`: it comes from the settings at each start.
  public static func loadOrCreate(folder: String, name: AgentName) throws -> AgentIdentity {
    if lastName(folder: folder) != name {
      try DurableFile.write(Array((name.text + "\n").utf8), to: folder + "/agent.name", mode: 0o644)
    }
    let keyPath = folder + "/agent.key"
    let idPath = folder + "/agent.id"
    let key: SigningKey
    do {
      key = try Self.key(from: try DurableFile.read(keyPath, limit: 16_384), path: keyPath)
    } catch let error as FileError where error.isMissing {
      key = try SigningKey.generate()
      try DurableFile.write(Array(key.pem.utf8), to: keyPath, mode: 0o600)
      CrashPoint.reach("agent.keyWritten")
    }
    do {
      let text = String(decoding: try DurableFile.read(idPath, limit: 256), as: UTF8.self)
      return AgentIdentity(id: try AgentID(text.filter { !$0.isWhitespace }), name: name, key: key)
    } catch let error as FileError where error.isMissing {
      let id = RandomName.agentID()
      try DurableFile.write(Array((id.text + "\n").utf8), to: idPath, mode: 0o644)
      return AgentIdentity(id: id, name: name, key: key)
    }
  }

  /// The name that the agent of the state folder had when it was last started; nil when it never was.
  static func lastName(folder: String) -> AgentName? {
    guard let bytes = try? DurableFile.read(folder + "/agent.name", limit: 256) else { return nil }
    return try? AgentName(String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace })
  }

  private static func key(from bytes: [UInt8], path: String) throws -> SigningKey {
    do { return try SigningKey(pem: String(decoding: bytes, as: UTF8.self)) } catch {
      throw LinkError("\(path): \(error)")
    }
  }

  /// The host's name turned into an agent's name: the part before the first dot, in lower case, other characters as `-`.
  public static func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    gethostname(&buffer, buffer.count - 1)
    let host = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let short = host.split(separator: ".").first.map(String.init) ?? "agent"
    let plain = short.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
    return String(String(plain).drop { $0 == "-" }.prefix(63)).trimmingEnd("-")
  }
}

extension String {
  fileprivate func trimmingEnd(_ character: Character) -> String {
    var text = self[...]
    while text.last == character { text = text.dropLast() }
    return text.isEmpty ? "agent" : String(text)
  }
}
