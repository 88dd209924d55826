import Foundation
import Model
import TestSupport
import Testing

/// Whatever dies, fails or is cut off: every run that began has exactly one final receipt, none is lost, none runs twice.
/// The witness is a file that the jobs themselves write.
///
/// `make test` runs a fixed cut through the matrix. `make torture` runs all of it in random orders for as long as
/// `DURATION` says (seconds), from a seed that it prints; `SEED` repeats one, `ONLY` takes only the rows with that text in
/// their description.
@Suite(.serialized, .timeLimit(.minutes(300))) struct FaultMatrixTests {
  private static let duration = ProcessEnvironment["BELFRY_TORTURE_SECONDS"].flatMap(Int.init)

  @Test func everyRunThatBeganHasItsOneReceipt() async throws {
    let seed = Self.duration == nil ? 1 : testSeed
    Self.say("seed \(seed)")
    let site = try Site()
    let began = ContinuousClock.now
    let end = Self.duration.map { began + .seconds($0) }
    var number = 0
    do {
      try await site.startController()
      let matrix = try FaultMatrix(site) { words in
        Self.say("life \(number), at \((ContinuousClock.now - began).components.seconds) s: \(words)")
      }
      try await matrix.begin()
      let only = ProcessEnvironment["BELFRY_TORTURE_ONLY"].flatMap { $0.isEmpty ? nil : $0 }
      var rows = FaultSequence(seed: seed, short: end == nil, only: only)
      while end.map({ ContinuousClock.now < $0 }) ?? true, let row = rows.next() {
        number += 1
        do { try await matrix.live(row) } catch {
          throw CommandFailure(description: "seed \(seed), life \(number), \(row): \(error)")
        }
      }
      try await matrix.end()
    } catch {
      await site.close()
      throw error
    }
    await site.close()
  }

  @Test func theSeedDecidesEverything() {
    func rows(_ seed: UInt64) -> [String] {
      FaultSequence(seed: seed, short: false).prefix(200).map { "\($0) \($0.times) \($0.seed)" }
    }
    #expect(rows(7) == rows(7))
    #expect(rows(7) != rows(8))
    let pass = FaultSequence(seed: 7, short: false).prefix(Fault.matrix.count).map(\.fault)
    #expect(Set(pass) == Set(Fault.matrix), "a pass leaves nothing out")
    #expect(FaultSequence(seed: 7, short: true).map(\.fault) == Fault.short)
  }

  private static func say(_ words: String) { FileHandle.standardError.write(Data("faults: \(words)\n".utf8)) }
}
