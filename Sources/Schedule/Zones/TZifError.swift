/// Why bytes are not the rules of a time zone.
public struct TZifError: Error, Hashable, Sendable, CustomStringConvertible {
  public let message: String
  /// Bytes from the start of the file; nil when the file as a whole is meant.
  public let offset: Int?

  public init(_ message: String, at offset: Int? = nil) {
    self.message = message
    self.offset = offset
  }

  public var description: String { offset.map { "at byte \($0): \(message)" } ?? message }
}
