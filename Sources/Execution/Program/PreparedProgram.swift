import Model

/// Where the script that is run comes from.
public enum ScriptPlacement: Hashable, Sendable {
  /// From its place in the run's bundle folder. `$0`, `dirname "$0"`, imports of neighbours and the names in error
  /// messages are what the author expects. No other user can change the file; the agent's own user or root could, and
  /// then the attempt is reported as failed, because the change leaves a trace.
  case folder
  /// From sealed memory, which nobody at all can change. But `$0` is then `/proc/self/fd/100`: two jobs that lock by
  /// `basename "$0"` share one lock, neighbours are found only by `$BELFRY_BUNDLE`, and interpreters that resolve
  /// their script's real path (node) do not find it.
  case sealedMemory
}

/// A program made ready: its bytes hashed, and where they can be executed exactly as they were hashed.
///
/// Between hash and exec nothing goes by a name that another user could put something else under: the bytes are hashed
/// in memory and from that same memory written to a fresh folder, or to sealed memory.
struct PreparedProgram: ~Copyable {
  /// A path, or a name for the run's PATH.
  let program: String
  /// argv.
  let arguments: [String]
  let bundle: SealedFolder
  private let script: SealedMemory?

  /// Of the script in sealed memory; the job is to inherit it as ``SealedMemory/numberInJob``.
  var scriptDescriptor: Int32? {
    switch script {
    case .some(let memory): memory.descriptor.number
    case .none: nil
    }
  }

  private init(program: String, arguments: [String], bundle: SealedFolder, script: consuming SealedMemory?) {
    self.program = program
    self.arguments = arguments
    self.bundle = bundle
    self.script = script
  }

  /// `executor` is the path of what runs a plug-in's job or a request. Throws `missing` or `corrupted` when the store has not the right bytes, `unusableScript`, or `refused`.
  static func prepare(
    _ run: RunSpec, files: [BundleFile], from store: BundleStore, in folder: RunFolder,
    group: UInt32? = nil, placement: ScriptPlacement = .folder, executor: String? = nil
  ) throws(ExecutionError) -> PreparedProgram {
    try checkSizes(files)
    var scriptBytes: [UInt8]?
    let path: String? = if case .script(let path) = run.program { path } else { nil }
    let bundle = try SealedFolder(files, in: folder, name: "bundle", group: group) { file throws(ExecutionError) in
      let bytes = try store.file(file.digest)
      guard bytes.count == file.size else {
        throw ExecutionError(.corrupted, "\(file.path) has \(bytes.count) bytes and not \(file.size)")
      }
      if file.path == path { scriptBytes = bytes }
      return bytes
    }
    switch run.program {
    case .command(let words):
      return PreparedProgram(program: words.first ?? "", arguments: words + run.args, bundle: bundle, script: nil)
    case .plugIn, .http:
      guard let executor else { throw ExecutionError(.noExecutor, "there is no executor") }
      return PreparedProgram(program: executor, arguments: [executor], bundle: bundle, script: nil)
    case .script(let path):
      guard let bytes = scriptBytes, let file = files.first(where: { $0.path == path }) else {
        throw ExecutionError(.refused, "the bundle does not hold its own script \(path)")
      }
      let words = try interpreter(run.interpreter, of: file, bytes: bytes)
      let isInMemory = placement == .sealedMemory
      let place = isInMemory ? SealedMemory.pathInJob : "\(folder.bundle)/\(path)"
      return PreparedProgram(
        program: words[0], arguments: words + [place] + run.args, bundle: bundle,
        script: isInMemory ? try SealedMemory.holding(bytes, name: path) : nil)
    }
  }

  /// At least one word.
  private static func interpreter(
    _ given: [String]?, of file: BundleFile, bytes: [UInt8]
  ) throws(ExecutionError) -> [String] {
    if let given, !given.isEmpty { return given }
    let line = try Shebang(script: bytes, path: file.path)
    guard file.executable else {
      throw ExecutionError(
        .unusableScript, "\(file.path) has no run bit: git update-index --chmod=+x \(file.path), or set run.interpreter"
      )
    }
    return [line.interpreter] + (line.argument.map { [$0] } ?? [])
  }

  private static func checkSizes(_ files: [BundleFile]) throws(ExecutionError) {
    guard files.allSatisfy({ 0...Int64(BundleStore.fileLimit) ~= $0.size }),
      files.reduce(0, { $0 + $1.size }) <= BundleStore.bundleFilesLimit
    else { throw ExecutionError(.tooLarge, "the bundle's files are too large") }
  }
}
