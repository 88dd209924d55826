import Model
import Testing

/// Places in a request, and what may be filled into them.
struct RequestTemplateTests {
  private let parameters: [String: ParameterValue] = [
    "text": .string("a \"b\"\\/é\n"), "number": .integer(-5), "flag": .boolean(true), "decimal": .decimal("0.50"),
    "marks": .string("\u{301}x\u{600}"),
  ]

  private func filled(_ text: String, _ place: RequestTemplate.Place) throws -> String {
    try RequestTemplate(text).filled(
      for: place, parameter: { parameters[$0] }, secret: { $0.text == "db" ? "p&\"w" : nil })
  }

  @Test func whatIsFilledInIsEncodedForItsPlace() throws {
    #expect(try filled("/x/${param.text}?n=${param.number}", .url) == "/x/a%20%22b%22%5C%2F%C3%A9%0A?n=-5")
    #expect(try filled("t=${param.text}${secret.db}", .plain) == "t=a \"b\"\\/é\np&\"w")
    #expect(
      try filled(
        #"{"a":"<${param.text}>","b":${param.text},"n":[${param.number},${param.flag},${param.decimal}]}"#, .json)
        == #"{"a":"<a \"b\"\\/é\n>","b":"a \"b\"\\/é\n","n":[-5,true,0.50]}"#)
    #expect(
      try filled(#"{"\"":"${secret.db}","x":${secret.db}}"#, .json)
        == #"{"\"":"p&\"w","x":"p&\"w"}"#.replacing("p&\"w", with: "p&\\\"w"))
    // Marks that would join the quotes, or a brace.
    #expect(try Array(filled(#"{"a":"${param.marks}"}"#, .json).utf8) == Array("{\"a\":\"\u{301}x\u{600}\"}".utf8))
    #expect(try Array(filled("${param.number}\u{fe0f}", .plain).utf8) == Array("-5\u{fe0f}".utf8))
    #expect(try filled("$$ $${param.text} $5 $", .plain) == "$$ ${param.text} $5 $")
  }

  @Test(arguments: [
    "${", "${param.x", "${x}", "${param.}", "${param.a b}", "${secret.}", "${secret.A}", "${secret.../x}",
    "${env.HOME}",
  ])
  func refuses(_ text: String) { #expect(throws: NameError.self) { try RequestTemplate(text) } }

  @Test func whatThereIsNotIsSaid() {
    #expect(throws: NameError.self) { try filled("${param.none}", .plain) }
    #expect(throws: NameError.self) { try filled("${secret.none}", .plain) }
  }

  @Test(arguments: [
    "ftp://a/", "http://", "https:///x", "http://user@host/", "http://user:pw@host/", "http://${param.host}/",
    "http://a b/",
    "http://a/#x", "http://a:0/", "http://a:99999/", "http://a:x/", "http://[::1/", "http://a/${secret.db}",
    "http://é/", "//a/",
    "http://a/${x}", "HTTP://a/", "http://a\r\nb/",
  ])
  func refusesURL(_ text: String) { #expect(HTTPRequest.problem(inURL: text) != nil) }

  @Test(arguments: [
    "http://a", "https://a.b-c_d:8443/x?y=${param.z}", "http://[::1]:80/", "http://127.0.0.1/a/${param.b}",
    "http://a?x=1",
  ])
  func takesURL(_ text: String) { #expect(HTTPRequest.problem(inURL: text) == nil) }
}
