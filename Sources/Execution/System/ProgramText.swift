import Glibc

/// The machine code of this process: its program's and its libraries'.
///
/// A start runs through most of it, and afterwards a small part is needed. The kernel keeps all of it mapped nevertheless, since
/// Linux 6.18 by the whole of a page cache folio, and counts it as the process's memory. What is unmapped stays in the page cache
/// until its room is needed, from where the next call maps it again.
public enum ProgramText {
  /// Gives back the mappings of what was not changed since it was mapped. Throws when `/proc/self/smaps` cannot be read.
  public static func unmap() throws(ExecutionError) {
    let bytes = try Descriptor(open: "/proc/self/smaps", O_RDONLY).read(
      at: 0, limit: 4 << 20, name: "/proc/self/smaps")
    for range in ranges(smaps: String(decoding: bytes, as: UTF8.self)) {
      // A hint: where the kernel does not take it, everything stays as it is.
      madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
    }
  }

  /// The mappings of `/proc/PID/smaps` (proc_pid_smaps(5)) that execute a file, cannot be written to, and have no page of their
  /// own, in memory or swapped out, such as one with a debugger's breakpoint: of these the file has all that there is.
  static func ranges(smaps: String) -> [Range<UInt>] {
    var ranges: [Range<UInt>] = []
    var mapping: Range<UInt>?
    for line in smaps.split(separator: "\n") {
      let fields = line.split(separator: " ", omittingEmptySubsequences: true)
      if fields.count >= 5, !fields[0].hasSuffix(":") {
        let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        let isText = fields[1] == "r-xp" && fields[4] != "0" && bounds.count == 2 && bounds[0] < bounds[1]
        mapping = isText ? bounds[0]..<bounds[1] : nil
      } else if let text = mapping, ["Anonymous:", "Swap:"].contains(fields.first) {
        if fields.dropFirst().first != "0" {
          mapping = nil
        } else if fields.first == "Swap:" {
          ranges.append(text)
          mapping = nil
        }
      }
    }
    return ranges
  }
}
