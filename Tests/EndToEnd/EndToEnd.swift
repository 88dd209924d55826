// EndToEnd: the built programs as real processes, with real git, killed for real, and read back with plain git.
// Lives here: what only shows when everything works together. What one module can show alone is in its own tests.

import TestSupport
import Testing

/// Gives all tests of a suite one ``Site`` with a running controller, and takes it down afterwards.
///
/// Starting one costs a second; each test takes jobs of its own, so that they do not meet.
struct SharedSite: SuiteTrait, TestScoping {
  var layout = Site.Layout()

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
  ) async throws {
    let site = try Site(layout)
    do {
      try await site.startController()
      try await Site.$shared.withValue(site) { try await function() }
    } catch {
      await site.close()
      throw error
    }
    await site.close()
  }
}

extension Trait where Self == SharedSite {
  static var sharedSite: SharedSite { SharedSite() }
  static func sharedSite(_ layout: Site.Layout) -> SharedSite { SharedSite(layout: layout) }
}
