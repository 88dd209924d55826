// What plain scalars mean: YAML 1.2.2, section 10.3.2.

import Manifest
import Testing

struct ScalarRow: CustomTestStringConvertible, Sendable {
  var text: String
  var value: YAMLScalar.Value
  var style = YAMLScalar.Style.plain
  var testDescription: String { "\(style) \(text)" }
}

@Suite struct CoreSchemaTests {
  @Test(arguments: [
    ScalarRow(text: "", value: .null),
    ScalarRow(text: "~", value: .null),
    ScalarRow(text: "~~", value: .string),
    ScalarRow(text: "null", value: .null),
    ScalarRow(text: "Null", value: .null),
    ScalarRow(text: "NULL", value: .null),
    ScalarRow(text: "nULL", value: .string),
    ScalarRow(text: "nul", value: .string),
    ScalarRow(text: "true", value: .boolean(true)),
    ScalarRow(text: "True", value: .boolean(true)),
    ScalarRow(text: "TRUE", value: .boolean(true)),
    ScalarRow(text: "tRue", value: .string),
    ScalarRow(text: "false", value: .boolean(false)),
    ScalarRow(text: "FALSE", value: .boolean(false)),
    // What YAML 1.1 took for booleans, dates and base 60.
    ScalarRow(text: "on", value: .string),
    ScalarRow(text: "yes", value: .string),
    ScalarRow(text: "No", value: .string),
    ScalarRow(text: "off", value: .string),
    ScalarRow(text: "y", value: .string),
    ScalarRow(text: "2026-12-01", value: .string),
    ScalarRow(text: "12:30:45", value: .string),
    ScalarRow(text: "1_000", value: .string),
    ScalarRow(text: "0b11", value: .string),
    ScalarRow(text: "0", value: .integer(0)),
    ScalarRow(text: "-0", value: .integer(0)),
    ScalarRow(text: "+12", value: .integer(12)),
    ScalarRow(text: "-19", value: .integer(-19)),
    ScalarRow(text: "0755", value: .integer(755)),
    ScalarRow(text: "0o17", value: .integer(15)),
    ScalarRow(text: "0o18", value: .string),
    ScalarRow(text: "-0o7", value: .string),
    ScalarRow(text: "0xFf", value: .integer(255)),
    ScalarRow(text: "0x", value: .string),
    ScalarRow(text: "0xg", value: .string),
    ScalarRow(text: "9223372036854775807", value: .integer(.max)),
    ScalarRow(text: "9223372036854775808", value: .hugeInteger),
    ScalarRow(text: "-9223372036854775808", value: .integer(.min)),
    ScalarRow(text: "-9223372036854775809", value: .hugeInteger),
    ScalarRow(text: "0xffffffffffffffffffff", value: .hugeInteger),
    ScalarRow(text: "0.", value: .float),
    ScalarRow(text: ".5", value: .float),
    ScalarRow(text: "-.5", value: .float),
    ScalarRow(text: "1.25", value: .float),
    ScalarRow(text: "12e03", value: .float),
    ScalarRow(text: "-2E+05", value: .float),
    ScalarRow(text: "1e", value: .string),
    ScalarRow(text: "1e+", value: .string),
    ScalarRow(text: "1.2.3", value: .string),
    ScalarRow(text: ".", value: .string),
    ScalarRow(text: "-", value: .string),
    ScalarRow(text: "+", value: .string),
    ScalarRow(text: "e5", value: .string),
    ScalarRow(text: ".inf", value: .float),
    ScalarRow(text: "-.INF", value: .float),
    ScalarRow(text: ".iNf", value: .string),
    ScalarRow(text: ".NaN", value: .float),
    ScalarRow(text: "-.nan", value: .string),
    ScalarRow(text: "5m", value: .string),
    ScalarRow(text: "1.2.3.4", value: .string),
    ScalarRow(text: "true", value: .string, style: .quoted),
    ScalarRow(text: "", value: .string, style: .quoted),
    ScalarRow(text: "12", value: .string, style: .block),
  ])
  func resolves(_ row: ScalarRow) {
    #expect(YAMLScalar(row.text, row.style).resolved == row.value)
  }
}
