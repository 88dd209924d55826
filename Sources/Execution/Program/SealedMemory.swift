import Glibc

/// Bytes in anonymous memory that nobody can change any more, root neither: memfd_create(2) with all seals.
struct SealedMemory: Sendable, ~Copyable {
  let descriptor: Descriptor

  /// Under which number the job has it: above what scripts use for themselves (`exec 3<file`), below any usual limit.
  static let numberInJob: Int32 = 100
  /// As the job can open it.
  static let pathInJob = "/proc/self/fd/\(numberInJob)"

  private init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

  /// Memory with exactly these bytes; `name` shows up in /proc only, and `mode` says who may open it by its number there.
  static func holding(
    _ bytes: [UInt8], name: String, mode: mode_t = 0o444
  ) throws(ExecutionError) -> SealedMemory {
    let number = LinuxCalls.memfdCreate(name)
    guard number >= 0 else { throw ExecutionError(errno: errno, "cannot make sealed memory") }
    let descriptor = Descriptor(owning: number)
    try descriptor.write(bytes, name: name)
    // A job need not run as the agent's user.
    guard fchmod(number, mode) == 0, LinuxCalls.sealForever(number) == 0 else {
      throw ExecutionError(errno: errno, "cannot seal memory")
    }
    return SealedMemory(descriptor)
  }
}
