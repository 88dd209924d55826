import Model
import Testing

@Suite struct TerminalTextTests {
  struct Row: CustomTestStringConvertible {
    var text: String
    var shown: String
    var lines: String?
    var testDescription: String { shown }
  }

  @Test(arguments: [
    Row(text: "", shown: ""),
    Row(text: "plain ~ text|`<>", shown: "plain ~ text|`<>"),
    Row(text: "Zürich 東京 👩‍👩‍👧", shown: "Zürich 東京 👩‍👩‍👧"),
    Row(text: "a\nb\tc\r\nd", shown: "a\\nb\\tc\\r\\nd", lines: "a\nb\tc\\r\nd"),
    Row(text: "\u{1b}[2J", shown: "<U+001B>[2J"),
    Row(text: "\u{1b}]52;c;aGk=\u{7}", shown: "<U+001B>]52;c;aGk=<U+0007>"),
    Row(text: "\0\u{7f}\u{9b}31m", shown: "<U+0000><U+007F><U+009B>31m"),
    Row(text: "\u{202e}exe.txt\u{2066}x\u{2069}", shown: "<U+202E>exe.txt<U+2066>x<U+2069>"),
    Row(text: "a\u{200b}b\u{feff}\u{ad}\u{61c}", shown: "a<U+200B>b<U+FEFF><U+00AD><U+061C>"),
    Row(text: "\u{2028}\u{2029}", shown: "<U+2028><U+2029>"),
    Row(text: "\u{e0041}\u{e007f}", shown: "<U+E0041><U+E007F>"),
  ])
  func whatATerminalWouldObeyIsShown(row: Row) {
    #expect(TerminalText.neutralised(row.text) == row.shown)
    #expect(TerminalText.neutralised(row.text, keepingLines: true) == row.lines ?? row.shown)
  }

  @Test func bytesThatAreNotTextAreReplaced() {
    #expect(TerminalText.neutralised(bytes: [0x61, 0xff, 0x1b, 0x62]) == "a\u{fffd}<U+001B>b")
  }

  @Test func noScalarGetsThroughThatATerminalObeys() {
    for value in UInt32(0)...0x2fff {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let shown = TerminalText.neutralised(String(scalar)).unicodeScalars
      #expect(
        shown.allSatisfy {
          $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value) && !(0x202a...0x202e).contains($0.value)
        })
    }
  }
}
