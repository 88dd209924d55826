@testable import Execution
import Glibc
import Testing

@Suite struct ProgramTextTests {
  private func mapping(_ head: String, anonymous: Int = 0, swapped: Int = 0) -> String {
    "\(head)\nSize:             8 kB\nRss:              8 kB\nAnonymous:        \(anonymous) kB\nSwap: \(swapped) kB\nVmFlags: rd ex mr\n"
  }

  @Test func onlyUnchangedTextOfFilesIsGivenBack() {
    let smaps =
      mapping("1000-3000 r-xp 00001000 fe:00 254163                     /usr/bin/a program")
      + mapping("3000-4000 r--p 00001000 fe:00 254163                     /usr/bin/a program")
      + mapping("4000-5000 rwxp 00001000 fe:00 254163                     /usr/bin/a program")
      + mapping("5000-6000 r-xp 00001000 fe:00 254164                     /usr/lib/patched.so", anonymous: 4)
      + mapping("5100-5200 r-xp 00001000 fe:00 254164                     /usr/lib/patched.so", swapped: 4)
      + mapping("6000-7000 r-xp 00000000 00:00 0 ") + mapping("7000-8000 r-xp 00000000 00:00 0                  [vdso]")
      + mapping("7fff00000000-7fff00002000 r-xp 00001000 fe:00 254165                     /usr/lib/gone.so (deleted)")
    #expect(ProgramText.ranges(smaps: smaps) == [0x1000..<0x3000, 0x7fff_0000_0000..<0x7fff_0000_2000])
  }

  @Test(arguments: [
    "", "Anonymous: 0 kB\nSwap: 0 kB\n", "x-y r-xp 0 fe:00 1 /a\nAnonymous: 0 kB\nSwap: 0 kB\n",
    "2000-1000 r-xp 0 fe:00 1 /a\nAnonymous: 0 kB\nSwap: 0 kB\n",
    "1000-2000 r-xp 0 fe:00 1 /a\n", "1000-2000 r-xp 0 fe:00 1 /a\nAnonymous:\nSwap: 0 kB\n",
    "1000-2000 r-xp 0 fe:00 1 /a\nAnonymous: 0 kB\n",
  ])
  func whatIsNoMappingIsLeftAlone(_ smaps: String) { #expect(ProgramText.ranges(smaps: smaps).isEmpty) }

  @Test func whatIsCalledAgainComesBack() throws {
    let before = try resident()
    try ProgramText.unmap()
    #expect(try resident() < before)
    let one = ProgramText.ranges(smaps: "1000-2000 r-xp 0 fe:00 1 /a\nAnonymous: 0 kB\nSwap: 0 kB\n")
    #expect(one == [0x1000..<0x2000])
  }

  /// Pages of files that are mapped, in KiB (proc_pid_status(5)).
  private func resident() throws -> Int {
    let bytes = try Descriptor(open: "/proc/self/status", O_RDONLY).read(at: 0, limit: 64 << 10, name: "status")
    let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("RssFile:") }
    return try #require(line?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
  }
}
