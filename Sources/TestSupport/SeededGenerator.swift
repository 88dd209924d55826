// TestSupport: what several test targets share. Seeded randomness, temporary folders, plain processes.
// Never linked into a program.

/// SplitMix64: a small generator whose whole future follows from its seed. Print the seed in a property test's failure.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// A seed for this test process: `BELFRY_TEST_SEED` when it is set, else drawn anew.
public let testSeed: UInt64 = {
  if let text = ProcessEnvironment["BELFRY_TEST_SEED"], let seed = UInt64(text) { return seed }
  return UInt64.random(in: 0 ... .max)
}()
