/// The text with everything that could steer a terminal or mislead a reader (controls, line and paragraph separators,
/// direction marks, invisible characters) spelt out as `\u{…}`, and cut after `limit` characters.
func printable(_ text: String, limit: Int = 200) -> String {
  var out = ""
  for scalar in text.prefix(limit).unicodeScalars {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate:
      out += "\\u{\(String(scalar.value, radix: 16))}"
    default: out.unicodeScalars.append(scalar)
    }
  }
  return text.dropFirst(limit).isEmpty ? out : out + "…"
}
