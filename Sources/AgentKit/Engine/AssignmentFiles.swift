import Glibc
import Model
import Platform
import Trust

/// The installed assignment's envelope, under its digest; which one is in force says the ledger.
struct AssignmentFiles: Sendable {
  let folder: String

  private func path(_ digest: Digest) -> String { "\(folder)/\(digest.hex).dsse" }

  func read(_ digest: Digest) throws(FileError) -> [UInt8] {
    try DurableFile.read(path(digest), limit: Envelope.largestSize(payload: Assignment.payloadLimit))
  }

  func write(_ assignment: Signed<Assignment>) throws(FileError) {
    try DurableFile.write(assignment.bytes, to: path(assignment.digest))
  }

  /// Removes all but one.
  func keepOnly(_ digest: Digest) {
    guard let stream = opendir(folder) else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != "..", name != digest.hex + ".dsse" { unlink(folder + "/" + name) }
    }
  }
}
