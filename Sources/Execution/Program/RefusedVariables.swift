/// Variables that never come from a manifest, because they change how programs load and so what is run. Manifests that
/// set one are refused when they are read; this second look is for bundles that some other program signed.
public enum RefusedVariables {
  static let names: Set<String> = [
    "BASH_ENV", "BASHOPTS", "ENV", "GCONV_PATH", "GLIBC_TUNABLES", "IFS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS",
    "NODE_OPTIONS", "NODE_PATH", "PERL5DB", "PERL5LIB", "PERL5OPT", "PERLLIB", "PS4", "PROMPT_COMMAND", "RUBYLIB",
    "RUBYOPT", "SHELLOPTS", "ZDOTDIR", "_JAVA_OPTIONS",
  ]
  static let prefixes = ["LD_", "PYTHON", "GIT_", "BELFRY_"]

  /// Why a bundle must not set the variable; nil when it may.
  public static func problem(in name: String) -> String? {
    guard isIdentifier(name) else { return "'\(name.prefix(60))' is not the name of a variable" }
    guard names.contains(name) || prefixes.contains(where: name.hasPrefix) else { return nil }
    return "the variable '\(name.prefix(60))' must not be set by a bundle"
  }

  /// `[A-Za-z_][A-Za-z0-9_]*`, at most 128 bytes: which also keeps out what shells would take for a function.
  static func isIdentifier(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 128, !isDigit(first) else { return false }
    return text.utf8.allSatisfy { isDigit($0) || $0 == 0x5f || (0x61...0x7a).contains($0 | 0x20) }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
