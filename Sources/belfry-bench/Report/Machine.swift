import Foundation

/// What the figures were measured on.
struct Machine: Encodable, CustomStringConvertible {
  var cores: Int
  var processor: String
  var memoryGiB: Int
  var kernel: String
  /// Of the last minute, before the measurements: above about 0.3 something else is at work.
  var load: Double

  static var current: Machine {
    let information = ProcessInfo.processInfo
    let model = ProcFile.lines("/proc/cpuinfo").first { $0.hasPrefix("model name") }
    let words = ProcFile.lines("/proc/loadavg").first?.split(separator: " ") ?? []
    return Machine(
      cores: information.activeProcessorCount,
      processor: model?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "?",
      memoryGiB: Int((Double(information.physicalMemory) / Double(1 << 30)).rounded()),
      kernel: ProcFile.lines("/proc/sys/kernel/osrelease").first ?? "?", load: words.first.flatMap { Double($0) } ?? 0)
  }

  var description: String {
    "\(cores) cores (\(processor)), \(memoryGiB) GiB, Linux \(kernel); load before: \(load)"
  }
}
