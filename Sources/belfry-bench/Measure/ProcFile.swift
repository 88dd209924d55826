import Foundation

/// What the kernel says about processes.
enum ProcFile {
  static func lines(_ path: String) -> [String] {
    guard let data = FileManager.default.contents(atPath: path) else { return [] }
    return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// The most memory that this process ever had resident, in MiB.
  static func peakMemory() -> Double { kibibytes("VmHWM", in: "/proc/self/status") / 1_024 }

  /// A process's memory, shared pages divided among those who share them, in MiB.
  static func proportionalMemory(of process: pid_t) -> Double {
    kibibytes("Pss", in: "/proc/\(process)/smaps_rollup") / 1_024
  }

  /// Seconds of processor time of a process and its former threads, to the nanosecond: `/proc/PID/stat` counts in
  /// hundredths of a second, of which an idle process has few.
  static func processorTime(of process: pid_t) throws(BenchError) -> Double {
    var clock = clockid_t()
    var time = timespec()
    guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0 else {
      throw BenchError("process \(process) has ended early")
    }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private static func kibibytes(_ name: String, in path: String) -> Double {
    let line = lines(path).first { $0.hasPrefix(name + ":") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
  }
}
