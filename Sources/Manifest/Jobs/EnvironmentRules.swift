/// Which environment variables a manifest may set.
public enum EnvironmentRules {
  /// Variables that change how programs load or what a shell runs first: setting one is running other code than the
  /// commit says.
  public static let refusedNames: Set<String> = [
    "BASH_ENV", "BASHOPTS", "ENV", "GCONV_PATH", "GLIBC_TUNABLES", "IFS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS",
    "NODE_OPTIONS", "NODE_PATH", "PERL5DB", "PERL5LIB", "PERL5OPT", "PERLLIB", "PS4", "PROMPT_COMMAND", "RUBYLIB",
    "RUBYOPT", "SHELLOPTS", "ZDOTDIR", "_JAVA_OPTIONS",
  ]

  /// Prefixes of such variables, and of Belfry's own.
  public static let refusedPrefixes = ["LD_", "PYTHON", "GIT_", "BELFRY_"]

  /// Why a manifest may not set the variable; nil when it may.
  public static func problem(in name: String) -> String? {
    guard isIdentifier(name) else {
      return "\(Legible.quoted(name)) is not a variable's name: letters, digits and '_', not beginning with a digit"
    }
    if name.hasPrefix("BELFRY_") {
      return "'\(name)' is refused: variables that begin with BELFRY_ are set by the agent"
    }
    guard refusedNames.contains(name) || refusedPrefixes.contains(where: name.hasPrefix) else { return nil }
    return "'\(name)' is refused: it changes how programs load, and so what is run"
  }

  /// `[A-Za-z_][A-Za-z0-9_]*`, at most 128 bytes.
  static func isIdentifier(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 128, !isDigit(first) else { return false }
    return text.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
  }
}

/// The grammar of labels: what an agent says of itself and a manifest matches. Letters, digits, `.`, `_`, `-` and, in
/// keys, `/`; a letter or digit at both ends; at most 63 bytes. No `,` and no `=`, so that `role=db,region=eu-1` can
/// be read back.
public enum LabelRules {
  /// What is wrong with a key, or nil.
  public static func problem(inKey text: String) -> String? {
    fits(text, orSlash: true) ? nil : "\(Legible.quoted(text)) is not a label's name; \(grammar) (and '/')"
  }

  /// What is wrong with a value, or nil.
  public static func problem(inValue text: String) -> String? {
    fits(text, orSlash: false) ? nil : "\(Legible.quoted(text)) is not a label's value; \(grammar)"
  }

  private static let grammar =
    "want at most 63 letters, digits, '.', '_' and '-', with a letter or digit at both ends"

  private static func fits(_ text: String, orSlash: Bool) -> Bool {
    guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 63 else { return false }
    guard isLetter(first) || isDigit(first), isLetter(last) || isDigit(last) else { return false }
    return text.utf8.allSatisfy { byte in
      isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
        || byte == UInt8(ascii: "-") || (orSlash && byte == UInt8(ascii: "/"))
    }
  }
}

func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }
func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
