// The reader as other configuration files use it, and the tables against what the readers do.

import Manifest
import Model
import Testing

@Suite struct FieldReaderTests {
  static let table = FieldTable(
    "controller.yaml",
    [
      Field("url", "a text", "the repository", isRequired: true), Field("poll", "a duration", "how often"),
      Field("port", "a number", "where to listen"), Field("tls", "true or false", "whether"),
      Field("labels", "a mapping", "labels"), Field("hosts", "a list", "hosts"),
      Field("later", "anything", "one day", isSupported: false),
    ])

  private func read(_ text: String, _ body: (inout FieldReader) -> Void) -> [String] {
    let file = ParsedFile(path: "controller.yaml", bytes: Array(text.utf8))
    let sink = DiagnosticSink()
    if let node = file.onlyDocument(sink), var fields = FieldReader(node, Self.table, sink) {
      body(&fields)
      fields.finish()
    }
    return (file.diagnostics + sink.diagnostics).map {
      "\($0.line):\($0.column): \($0.message); \($0.suggestion ?? "")"
    }
  }

  @Test func readsValues() {
    var port: Int?
    var poll: Duration?
    var hosts: [String]?
    let problems = read("url: x\nport: 80\npoll: 15s\ntls: true\nhosts: [a, b]\nlabels: {a: 1}\n") { fields in
      #expect(fields.require("url")?.string() == "x")
      port = fields.take("port")?.integer(in: 1...65_535)
      poll = fields.take("poll")?.duration(in: .seconds(1) ... .seconds(60))
      #expect(fields.take("tls")?.boolean() == true)
      hosts = fields.take("hosts")?.list(count: 1...3, of: "hosts") { $0.string() }
      #expect(fields.take("labels")?.entries(count: 0...9, of: "labels")?.map(\.name) == ["a"])
    }
    #expect(problems.isEmpty)
    #expect(port == 80 && poll == .seconds(15) && hosts == ["a", "b"])
  }

  @Test func reportsEverythingAtOnce() {
    let problems = read("pol: 15s\nport: 70000\ntls: on\nlater: 1\nhosts: []\n") { fields in
      _ = fields.require("url")?.string()
      _ = fields.take("port")?.integer(in: 1...65_535)
      _ = fields.take("tls")?.boolean()
      _ = fields.take("poll")
      _ = fields.take("hosts")?.list(count: 1...3, of: "hosts") { $0.string() }
    }
    #expect(
      problems == [
        "1:1: 'url' is missing in controller.yaml; it is a text",
        "2:7: 'port' wants a whole number from 1 to 65535, not '70000'; ",
        "3:6: 'tls' wants true or false, not 'on'; write true: 'on' is a string in YAML 1.2",
        "5:8: 'hosts' is an empty list; leave the key out, or list hosts",
        "1:1: unknown key 'pol' in controller.yaml; did you mean 'poll'?",
        "4:1: 'later' is not supported yet; leave it out for this version",
      ])
  }

  @Test func aFileOfNothingOrOfTwoDocuments() {
    #expect(read("") { _ in } == ["0:0: the file is empty; "])
    #expect(read("a: 1\n---\nb: 1\n") { _ in } == ["2:0: a second document; keep one document in this file"])
    let noMapping = "controller.yaml wants a mapping of keys to values, not a list"
    #expect(read("- a\n") { _ in } == ["1:1: \(noMapping); such as 'url: …'"])
  }

  @Test func moreKeysThanBits() {
    let text = (0..<70).map { "k\($0): 1\n" }.joined() + "url: x\nport: 80\n"
    let problems = read(text) { fields in
      _ = fields.require("url")?.string()
      _ = fields.take("port")
    }
    #expect(problems.count == 70)
    #expect(problems.allSatisfy { $0.contains("unknown key 'k") })
  }

  /// A field that stands in a table as supported and that no reader asks for would be refused as unknown: each must be
  /// accepted somewhere. And each of later versions must be refused as such.
  @Test(arguments: JobFields.all.flatMap { table in table.fields.map { FieldRow(table: table.title, field: $0) } })
  func tablesAreTrue(_ row: FieldRow) {
    let field = row.field.name
    let manifest: String
    switch row.table {
    case "belfry.yaml":
      let commit = Commit(["belfry.yaml": "belfry: 1\n" + (field == "belfry" ? "" : "\(field): [1]\n")])
      return check(commit.load(), row)
    case "a calendar", "a weekly window", "a cron window", "a span":
      let kinds = ["a weekly window": "weekly", "a cron window": "cron", "a span": "spans"]
      let calendar = kinds[row.table].map { "{\($0): [{\(field): {}}]}" } ?? "{\(field): {}}"
      return check(Commit(["belfry.yaml": "belfry: 1\ncalendars: {c: \(calendar)}\n"]).load(), row)
    case "a job": manifest = "job: a\n" + (field == "job" ? "" : "\(field): {zz: 1}\n")
    case "suspend", "targets", "run", "retry", "missed", "overlap":
      manifest = "job: a\n\(row.table): {\(field): {zz: 1}}\n"
    case "kill", "limits", "http", "plugin": manifest = "job: a\nrun: {\(row.table): {\(field): {zz: 1}}}\n"
    case "expect", "tls": manifest = "job: a\nrun: {http: {\(row.table): {\(field): {zz: 1}}}}\n"
    case "a cron trigger": manifest = "job: a\ntriggers: [{cron: 1, \(field == "cron" ? "zz" : field): {}}]\n"
    case "dst": manifest = "job: a\ntriggers: [{cron: 1, dst: {\(field): {}}}]\n"
    case "an every trigger": manifest = "job: a\ntriggers: [{every: 1, \(field == "every" ? "zz" : field): {}}]\n"
    case "an at trigger": manifest = "job: a\ntriggers: [{at: 1, \(field == "at" ? "zz" : field): {}}]\n"
    default: manifest = "job: a\ntriggers: [{\(field): {}}]\n"
    }
    check(Commit.with(manifest: manifest).load(), row)
  }

  private func check(_ loaded: LoadedRepository, _ row: FieldRow) {
    let messages = loaded.diagnostics.map(\.message)
    #expect(!messages.contains { $0.hasPrefix("unknown key '\(row.field.name)'") }, "\(messages)")
    #expect(messages.contains("'\(row.field.name)' is not supported yet") == !row.field.isSupported, "\(messages)")
  }
}

struct FieldRow: CustomTestStringConvertible, Sendable {
  var table: String
  var field: Field
  var testDescription: String { "\(field.name) in \(table)" }
}

@Suite struct FieldListTests {
  @Test func listsEachPathOnce() {
    let list = JobFields.list()
    let paths = list.map(\.path)
    #expect(Set(paths).count == paths.count)
    #expect(list.first { $0.path == "run.timeout" }?.field.isSupported == true)
    #expect(list.first { $0.path == "triggers.after" }?.field.isSupported == false)
    #expect(list.first { $0.path == "triggers.jitter" }?.field.isSupported == true)
    #expect(list.first { $0.path == "belfry.yaml: belfry" }?.field.isRequired == true)
    #expect(paths.contains("triggers.every") && paths.contains("triggers.from") && paths.contains("suspend.until"))
    #expect(["triggers.dst.gap", "missed.all", "overlap.queue"].allSatisfy(paths.contains))
  }
}
