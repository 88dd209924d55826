/// Words of a shell's line (POSIX.1-2024, 2.2.2).
public enum ShellWord {
  /// The text as one word, whatever is in it. By scalars and not by characters: with a combining mark behind it, a quote is
  /// another character to Swift, and to the shell a quote all the same.
  public static func quoted(_ text: some StringProtocol) -> String {
    var word = String.UnicodeScalarView("'".unicodeScalars)
    for scalar in text.unicodeScalars {
      if scalar == "'" { word.append(contentsOf: #"'\''"#.unicodeScalars) } else { word.append(scalar) }
    }
    word.append("'")
    return String(word)
  }
}
