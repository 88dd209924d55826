import Git
import Model

@testable import CommandKit

/// A signature's parts, for comparing.
struct GitSignatureRow: Equatable {
  var name: String
  var email: String
  var seconds: Int64
  var offset: Int

  static func read(_ line: String) -> GitSignatureRow? {
    GitSignature(identLine: line).map {
      GitSignatureRow(name: $0.name, email: $0.email, seconds: $0.time.seconds, offset: $0.offset)
    }
  }
}
