import Foundation

/// Lines to the two standard streams, written at once so that a reader sees each figure when it is there.
enum Output {
  static func line(_ text: String, toErrors: Bool = false) {
    let stream = toErrors ? FileHandle.standardError : FileHandle.standardOutput
    // A reader that went away, such as `head`, is no reason to go on.
    do { try stream.write(contentsOf: Data((text + "\n").utf8)) } catch { exit(1) }
  }

  static func json(_ value: some Encodable) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { return }
    line(String(decoding: data, as: UTF8.self))
  }

  static func exit(_ code: Int32) -> Never { Foundation.exit(code) }
}
