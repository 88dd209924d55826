import Foundation
import Model
import TestSupport
import Testing

/// `Sources/shim/mask.c` by itself, under the sanitizers.
@Suite(.timeLimit(.minutes(10))) struct MaskTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// The filter as a program; see the file that it is made of.
  private final class Driver {
    let files: TemporaryFolder

    init() throws {
      files = try TemporaryFolder("belfry-mask")
      let made = try command([
        "cc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra", "-Werror",
        "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", "\(root)/Sources/shim", "-o",
        files.path("driver"), "\(root)/Tests/Fixtures/shim/mask-driver.c", "\(root)/Sources/shim/mask.c",
      ])
      guard made.status == 0 else { throw Unexpected("\(made)") }
    }

    enum Step {
      case feed([UInt8])
      case pause
    }

    func run(_ secrets: [[UInt8]], _ steps: [Step]) throws -> [UInt8] {
      var input: [UInt8] = []
      for step in steps {
        switch step {
        case .feed(let bytes):
          withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { input += $0 }
          input += bytes
        case .pause: input += [0xff, 0xff, 0xff, 0xff]
        }
      }
      let steps = try files.write("steps", bytes: input)
      let words = secrets.map { $0.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
      let done = try command(
        [
          "sh", "-c", #"in=$1 out=$2; shift 2; exec "$0" "$@" <"$in" >"$out""#, files.path("driver"), steps,
          files.path("out"),
        ]
          + words)
      guard done.status == 0 else { throw Unexpected("\(done)") }
      return [UInt8](FileManager.default.contents(atPath: files.path("out")) ?? Data())
    }

    func run(_ secret: String, _ text: String) throws -> String {
      String(decoding: try run([Array(secret.utf8)], [.feed(Array(text.utf8))]), as: UTF8.self)
    }
  }

  @Test func `every form of a secret is taken out`() throws {
    let driver = try Driver()
    let secret = "hünter2-/+?&\"x y\\z~\u{1}"
    let bytes = Data(secret.utf8)
    func base64(_ before: String, _ after: String = "") -> String {
      (Data(before.utf8) + bytes + Data(after.utf8)).base64EncodedString()
    }
    func url(_ text: String) -> String { text.replacing("+", with: "-").replacing("/", with: "_") }
    let unreserved = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
    let percent = secret.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    for form in [
      secret, percent, percent.replacing("%2F", with: "/"),
      percent.replacing("%20", with: "+").replacing("~", with: "%7E"),
      percent.split(separator: "%", omittingEmptySubsequences: false).enumerated().map {
        $0.offset == 0 ? String($0.element) : $0.element.prefix(2).lowercased() + $0.element.dropFirst(2)
      }.joined(separator: "%"),
      JSONValue.string(secret).text.dropFirst().dropLast().description,
      base64(""), url(base64("")), base64("", "and more"),
    ] {
      let out = try driver.run(secret, "before \(form) after")
      #expect(out.hasPrefix("before ***") && out.hasSuffix(" after") && out.count <= 32, "\(form) → \(out)")
    }
    // Within something else that was encoded: what stays says less than a byte of it.
    for before in ["", "a", "ab", "abc"] {
      for after in ["", "x", "xy", "xyz"] {
        let whole = base64(before, after)
        for form in [whole, url(whole)] {
          let out = try driver.run(secret, form)
          let shown = out.split(separator: "***", omittingEmptySubsequences: false)
          #expect(shown.count == 2 && shown[0].utf8.count <= 4 && shown[1].utf8.count <= 7, "\(form) → \(out)")
        }
      }
    }
  }

  @Test func `lines, pieces and broken base64 of a long secret are taken out`() throws {
    let driver = try Driver()
    var generator = SeededGenerator(seed: testSeed)
    let lines = (0..<40).map { _ in
      Data((0..<48).map { _ in UInt8.random(in: 0...255, using: &generator) }).base64EncodedString()
    }
    let secret = "-----BEGIN KEY-----\n" + lines.joined(separator: "\n") + "\n-----END KEY-----"
    let encoded = Data(secret.utf8).base64EncodedString(options: .lineLength76Characters)
    #expect(try driver.run(secret, "[\(secret)]") == "[***]")
    #expect(try driver.run(secret, "a\n  \(lines[7])\r\nb") == "a\n  ***\r\nb")
    let broken = try driver.run(secret, encoded)
    #expect(
      broken.split(whereSeparator: \.isWhitespace).allSatisfy { ["***", "***=", "***=="].contains($0) }, "\(broken)")
    #expect(try !driver.run(secret, String(secret.dropFirst(300).prefix(600))).contains(lines[8].prefix(40)))
  }

  @Test func `what two secrets share is hidden once`() throws {
    let driver = try Driver()
    func run(_ secrets: [String], _ text: String) throws -> String {
      String(decoding: try driver.run(secrets.map { Array($0.utf8) }, [.feed(Array(text.utf8))]), as: UTF8.self)
    }
    #expect(try run(["abcabc"], "xabcabcabcx") == "x***x")
    #expect(try run(["abcd", "abcdefgh"], "abcdefgh abcdefg") == "*** ***efg")
    #expect(try run(["abcd", "cdef"], "abcdef") == "***")
    #expect(try run(["abcd", "efgh"], "abcdefgh.abcd.efgh") == "***.***.***")
    #expect(try run(["aaaa"], String(repeating: "a", count: 40_000)) == "***")
    #expect(try run([], "nothing to hide") == "nothing to hide")
    #expect(try run(["abcd"], "abc") == "abc")
  }

  @Test func `a pause shows no beginning of a secret and forgets none`() throws {
    let driver = try Driver()
    func run(_ steps: Driver.Step...) throws -> String {
      String(decoding: try driver.run([Array("secretvalue".utf8)], steps), as: UTF8.self)
    }
    func feed(_ text: String) -> Driver.Step { .feed(Array(text.utf8)) }
    #expect(try run(feed("a secr"), .pause, feed("etvalue b")) == "a *** b")
    #expect(try run(feed("a sec"), .pause, feed("retvalue b")) == "a sec*** b")
    #expect(try run(feed("a sec"), .pause, .pause, feed("ond")) == "a second")
    #expect(try run(feed("a secre"), .pause, feed("t no b")) == "a ***t no b")
    #expect(try run(feed("a secre"), feed("t no b")) == "a secret no b")
  }

  /// Where the bytes are cut makes no difference.
  @Test func `any cut gives the same`() throws {
    let driver = try Driver()
    var generator = SeededGenerator(seed: testSeed)
    for round in 0..<40 {
      let secrets = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
        (0..<[4, 5, 8, 40, 300].randomElement(using: &generator)!).map { _ in
          // Few different bytes, so that beginnings and overlaps are frequent.
          UInt8.random(in: round.isMultiple(of: 2) ? 0x61...0x63 : 0...255, using: &generator)
        }
      }
      var text: [UInt8] = []
      for _ in 0..<30 {
        let secret = secrets.randomElement(using: &generator)!
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: text += secret
        case 1: text += secret.prefix(Int.random(in: 1...secret.count, using: &generator))
        case 2: text += Array(Data(secret).base64EncodedString().utf8)
        default:
          text += (0..<Int.random(in: 0...700, using: &generator)).map { _ in
            UInt8.random(in: 0x61...0x7a, using: &generator)
          }
        }
      }
      let whole = try driver.run(secrets, [.feed(text)])
      var steps: [Driver.Step] = []
      var left = text[...]
      while !left.isEmpty {
        let some = left.prefix(
          Int.random(in: 1...[1, 3, 50, 5_000].randomElement(using: &generator)!, using: &generator))
        steps.append(.feed(Array(some)))
        left = left.dropFirst(some.count)
      }
      #expect(try driver.run(secrets, steps) == whole, "seed \(testSeed), round \(round)")
      for secret in secrets where secret.count > 5 {
        #expect(!whole.contains(secret), "seed \(testSeed), round \(round)")
      }
    }
  }

  /// Against a model that marks each byte of each occurrence. Of letters whose base64 has none of them, so that a secret has
  /// one form only.
  @Test func `nothing but secrets is taken out`() throws {
    let driver = try Driver()
    var generator = SeededGenerator(seed: testSeed)
    func letters(_ count: Int) -> [UInt8] {
      (0..<count).map { _ in UInt8.random(in: 0x61...0x63, using: &generator) }
    }
    for round in 0..<40 {
      let secrets = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
        letters([4, 5, 8, 40].randomElement(using: &generator)!)
      }
      var text: [UInt8] = []
      for _ in 0..<60 {
        let secret = secrets.randomElement(using: &generator)!
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: text += secret
        case 1: text += secret.prefix(Int.random(in: 1...secret.count, using: &generator))
        case 2: text += letters(Int.random(in: 0...20, using: &generator))
        default: text += [UInt8](repeating: Array("!;\n".utf8).randomElement(using: &generator)!, count: 3)
        }
      }
      var isMarked = [Bool](repeating: false, count: text.count)
      for secret in secrets {
        for start in text.indices where text[start...].starts(with: secret) {
          for index in start..<start + secret.count { isMarked[index] = true }
        }
      }
      var shown: [UInt8] = []
      for index in text.indices {
        if !isMarked[index] { shown.append(text[index]) }
        if isMarked[index], index == 0 || !isMarked[index - 1] { shown += Array("***".utf8) }
      }
      #expect(try driver.run(secrets, [.feed(text)]) == shown, "seed \(testSeed), round \(round)")
    }
  }
}
