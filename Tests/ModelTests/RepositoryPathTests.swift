import Model
import Testing

@Suite struct RepositoryPathTests {
  @Test(
    arguments: [
      "a", "scripts/backup.sh", "a b/c", "Ünïcode/ß", "..a", "a..", "...", "a/...", ".gitignore", "x.git", ".gitx/a",
      "-rf", String(repeating: "a", count: 255), Array(repeating: "a", count: 32).joined(separator: "/"), "\u{301}a",
    ].map(Sample.init))
  func accepts(_ sample: Sample) {
    #expect(RepositoryPath.problem(in: sample.text) == nil)
  }

  @Test(
    arguments: [
      "", "/", "/a", "a/", "a//b", ".", "..", "./a", "a/.", "../a", "a/..", "a/../b", "a/./b", ".git", ".GIT",
      "a/.Git/config",
      "a\u{0}b", "a\nb", "a\rb", "a\u{7f}", "a\\b", "..\\a", "\u{1b}[2J",
      // A combining character hides a slash from `Character`, and not from the kernel.
      "../\u{301}x", "/\u{301}x", "a/../\u{301}x", "a/\u{301}/../b", ".git/\u{301}x", "./\u{301}", "a/../\u{200d}x",
      String(repeating: "a", count: 256), Array(repeating: "a", count: 33).joined(separator: "/"),
      Array(repeating: String(repeating: "a", count: 200), count: 6).joined(separator: "/"),
    ].map(Sample.init))
  func refuses(_ sample: Sample) {
    #expect(RepositoryPath.problem(in: sample.text) != nil)
  }
}
