import Model
import TestSupport
import Testing
import Trust

@testable import Results

@Suite struct BatchPlanTests {
  /// A branch as paths and bytes.
  private struct Files {
    var bytes: [String: [UInt8]] = [:]

    func parts(_ file: RunFile) -> [RunFilePart] {
      var parts: [RunFilePart] = []
      for part in 1... {
        let file = RunFile(job: file.job, nominal: file.nominal, part: part)
        guard let receipts = bytes[ResultsLayout.receipts(file)] else { break }
        parts.append(.readable(receipts: receipts, signatures: bytes[ResultsLayout.signatures(file)] ?? []))
      }
      return parts
    }

    mutating func apply(_ batch: [BatchPlan.Incoming]) -> BatchPlan {
      let files = self
      let plan = BatchPlan(batch) { (file) throws(Never) in files.parts(file) }
      for edit in plan.edits { bytes[edit.path] = edit.bytes }
      return plan
    }

    func text(_ path: String) -> [String] {
      String(decoding: bytes[path] ?? [], as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        .map(String.init)
    }
  }

  private func incoming(_ sample: Sample) throws -> BatchPlan.Incoming {
    let delivery = try sample.delivery()
    return BatchPlan.Incoming(
      receipt: delivery.signed.value, line: delivery.signed.line, signatureLine: delivery.signed.signatureLine,
      logs: delivery.logs)
  }

  private let path = "runs/orders/backup/2026/11/20/02/3000Z"

  @Test func linesAreExactlyWhatWasSigned() throws {
    var files = Files()
    let batch = try [Sample(agent: 2), Sample(agent: 1, logs: ["hello\n"])].map(incoming)
    let plan = files.apply(batch)
    #expect(files.bytes[path + ".ndjson"] == batch[1].line + [0x0a] + batch[0].line + [0x0a])
    #expect(files.bytes[path + ".sigs"] == batch[1].signatureLine + [0x0a] + batch[0].signatureLine + [0x0a])
    #expect(files.text("logs/orders/backup/2026/11/20/02/3000Z/db-1.1.log") == ["hello", ""])
    #expect(plan.added.map(\.receipt.agentName.text) == ["db-1", "db-2"])
    #expect(plan.refused.isEmpty && plan.problems.isEmpty && plan.present.isEmpty)
  }

  @Test func deliveringAgainChangesNothing() throws {
    var files = Files()
    let batch = try (1...20).map {
      try incoming(Sample(nominal: Sample.start + .seconds($0 % 3), agent: $0, logs: ["x"]))
    }
    _ = files.apply(batch)
    let before = files.bytes
    let again = files.apply(batch)
    #expect(files.bytes == before && again.edits.isEmpty && again.added.isEmpty)
    #expect(again.present == Set(batch.map(\.receipt.run)))
    #expect(Set(again.logsOfPresent.map(\.path)) == Set(before.keys.filter { $0.hasPrefix("logs/") }))
    // Twice in one batch as well.
    var other = Files()
    _ = other.apply(batch + batch)
    #expect(other.bytes == before)
  }

  @Test func theOrderWithinABatchMakesNoDifference() throws {
    var random = SeededGenerator(seed: testSeed)
    let batch = try (1...40).map {
      try incoming(
        Sample(
          job: "j\($0 % 3)", nominal: Sample.start + .seconds($0 % 4), agent: $0, agentName: "a\($0 % 5)",
          logs: ["\($0)"]))
    }
    var first = Files()
    _ = first.apply(batch)
    for _ in 0..<20 {
      var files = Files()
      _ = files.apply(batch.shuffled(using: &random))
      #expect(files.bytes == first.bytes, "seed \(testSeed)")
    }
  }

  @Test func howeverBatchedEveryReceiptIsThereOnce() throws {
    var random = SeededGenerator(seed: testSeed)
    let batch = try (1...60).map {
      try incoming(Sample(nominal: Sample.start + .seconds($0 % 2), agent: $0, agentName: "a\($0 % 7)"))
    }
    for _ in 0..<10 {
      var files = Files()
      var rest = (batch + batch.prefix(20)).shuffled(using: &random)[...]
      while !rest.isEmpty {
        let count = min(rest.count, Int.random(in: 1...15, using: &random))
        _ = files.apply(Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
      }
      let lines = files.bytes.keys.filter { $0.hasSuffix(".ndjson") }.flatMap { files.text($0).dropLast() }
      #expect(lines.sorted() == batch.map { String(decoding: $0.line, as: UTF8.self) }.sorted(), "seed \(testSeed)")
    }
  }

  @Test func anotherReceiptOfTheSameRunIsRefused() throws {
    var files = Files()
    let first = try incoming(Sample())
    let second = try incoming(Sample(outcome: .ran(.failed)))
    _ = files.apply([first])
    let before = files.bytes
    let plan = files.apply([second])
    #expect(files.bytes == before)
    #expect(plan.refused.map(\.reason) == [.conflict] && plan.added.isEmpty && plan.present.isEmpty)
    var both = Files()
    let mixed = both.apply([second, first])
    #expect(mixed.added.count == 1 && mixed.refused.count == 1)
  }

  @Test func timesWithoutAPlaceAreRefused() throws {
    var files = Files()
    // No agent can sign such a time; should one come all the same, it must not end the batch.
    var strange = try incoming(Sample())
    strange.receipt.occurrence.nominal = Timestamp(microseconds: -1)
    let plan = files.apply([strange, try incoming(Sample(agent: 2))])
    #expect(plan.refused.map(\.reason) == [.time] && plan.added.count == 1)
  }

  /// Agents' names need not be unique, and an agent may take another's on purpose.
  @Test func agentsOfOneNameDoNotWriteOverEachOthersLogs() throws {
    var files = Files()
    let batch = try (1...3).map { try incoming(Sample(agent: $0, agentName: "db", logs: ["log of \($0)"])) }
    _ = files.apply([batch[1]])
    _ = files.apply([batch[0], batch[2]])
    let logs = files.bytes.filter { $0.key.hasPrefix("logs/") }.mapValues { String(decoding: $0, as: UTF8.self) }
    let folder = "logs/orders/backup/2026/11/20/02/3000Z/"
    #expect(
      logs == [
        folder + "db.1.log": "log of 2",
        folder + "db@\(batch[0].receipt.run).1.log": "log of 1",
        folder + "db@\(batch[2].receipt.run).1.log": "log of 3",
      ])
  }

  @Test func aLogThatIsNotTheSignedOneIsLeftOut() throws {
    var files = Files()
    var incoming = try incoming(Sample(logs: ["right"]))
    incoming.logs = [1: Array("wrong".utf8), 2: Array("no such attempt".utf8), -1: [1], .max: [1]]
    let plan = files.apply([incoming])
    #expect(plan.added.count == 1 && plan.problems.count == 4)
    #expect(files.bytes.keys.allSatisfy { !$0.hasPrefix("logs/") })
  }

  struct Damage: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var receipts: @Sendable (String) -> String = { $0 }
    var signatures: @Sendable (String) -> String = { $0 }
  }

  @Test(arguments: [
    Damage(testDescription: "no line break at the end", receipts: { String($0.dropLast()) }),
    Damage(
      testDescription: "no line break in both", receipts: { String($0.dropLast()) },
      signatures: { String($0.dropLast()) }),
    Damage(testDescription: "a signature is missing", signatures: { String($0.split(separator: "\n")[0]) }),
    Damage(testDescription: "no signatures", signatures: { _ in "" }),
    Damage(testDescription: "too many signatures", signatures: { $0 + "{}\n{}\n\n" }),
    Damage(testDescription: "garbage", receipts: { $0 + "garbage\n\n" }, signatures: { _ in "x" }),
  ])
  func afterPeoplesEditsNewLinesStandSideBySide(damage: Damage) throws {
    var files = Files()
    _ = files.apply(try [Sample(agent: 1), Sample(agent: 2)].map(incoming))
    files.bytes[path + ".ndjson"] = Array(
      damage.receipts(String(decoding: files.bytes[path + ".ndjson"] ?? [], as: UTF8.self)).utf8)
    files.bytes[path + ".sigs"] = Array(
      damage.signatures(String(decoding: files.bytes[path + ".sigs"] ?? [], as: UTF8.self)).utf8)
    let new = try incoming(Sample(agent: 3))
    _ = files.apply([new])
    let receipts = files.text(path + ".ndjson")
    let signatures = files.text(path + ".sigs")
    #expect(receipts.count == signatures.count)
    let line = try #require(receipts.firstIndex(of: String(decoding: new.line, as: UTF8.self)))
    #expect(signatures[line] == String(decoding: new.signatureLine, as: UTF8.self))
  }

  @Test func aFileThatGrowsTooLargeGoesOnInAnother() throws {
    var files = Files()
    let long = String(repeating: "x", count: 200_000)
    var batch = try (1...60).map { try incoming(Sample(agent: $0, reason: long)) }
    batch += try (61...70).map { try incoming(Sample(agent: $0, agentName: "db-1", logs: ["\($0)"])) }
    _ = files.apply(batch)
    #expect(files.bytes.keys.filter { $0.hasSuffix(".ndjson") }.sorted() == [path + ".2.ndjson", path + ".ndjson"])
    let before = files.bytes
    #expect(files.apply(batch).present.count == 70)
    #expect(files.bytes == before)
    let limit = RunFile.partLimit + RunFileContent.lineLimit
    #expect(files.bytes.values.allSatisfy { $0.count <= limit })
  }

  @Test func somethingElseInTheFilesPlaceIsLeftAlone() throws {
    let batch = [try incoming(Sample(logs: ["x"]))]
    let plan = BatchPlan(batch) { (_) throws(Never) in [.unreadable] }
    let run = batch[0].receipt.run
    let log = "logs/orders/backup/2026/11/20/02/3000Z/db-1@\(run).1.log"
    #expect(plan.edits.map(\.path).sorted() == [log, path + ".2.ndjson", path + ".2.sigs"])
  }
}
