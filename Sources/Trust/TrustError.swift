/// Why bytes are not trusted, a key cannot be used, or something was not signed.
public struct TrustError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of refusal; its raw value is the one spelling in logs and reports.
  public enum Code: String, Sendable, CaseIterable {
    /// Over the size limit of its kind; nothing of it was read.
    case tooLarge
    /// Not in the one form that such an object has.
    case malformed
    /// A good envelope, but of another kind than asked for.
    case wrongType
    /// Signed with another key than the trusted one.
    case unknownKey
    /// The signature does not belong to these bytes.
    case badSignature
    /// Made for, or claimed by, another agent.
    case wrongAgent
    /// Older than what is already held.
    case stalePosition
    /// Another content under the very position that is already held.
    case conflictingPosition
    /// From another connection, or already carried out.
    case replayed
    /// Its time is over.
    case expired
    /// Issued in the future; a clock is wrong.
    case notYetValid
    /// Genuine, but not the object that was asked for by its digest.
    case digestMismatch
    /// A key file that cannot be used: not PEM, encrypted, or another algorithm.
    case unusableKey
    /// Bytes to be hashed could not be read.
    case unreadable
    /// libcrypto failed for a reason of its own, such as lack of memory.
    case library
  }

  public let code: Code
  /// In words, one line; quotes nothing unbounded.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { "\(message) [\(code.rawValue)]" }
}
