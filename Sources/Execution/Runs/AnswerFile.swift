import Glibc
public import Model

extension RunFolder {
  /// The file that an executor finds as `BELFRY_ANSWER`.
  var answerFile: String { path + "/answer" }

  /// Makes it, empty, for whom the job runs as.
  func makeAnswer(for user: JobUser?) throws(ExecutionError) {
    let file = try open().open("answer", O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
    if let user, fchown(file.number, user.id, user.group) != 0 {
      throw ExecutionError(errno: errno, "cannot give the answer's file to user \(user.id)")
    }
  }

  /// What the executor has answered, after its end; nil for an empty file, or none. Throws a ``JSONError`` in words for a reason.
  public func answer() throws(JSONError) -> ExecutorAnswer? {
    let bytes: [UInt8]
    do throws(ExecutionError) {
      // Not to wait for a fifo that may have been put in its place.
      bytes = try open().open("answer", O_RDONLY | O_NONBLOCK).readWhole(
        limit: ExecutorAnswer.limit, name: "the answer")
    } catch {
      guard error.code == .missing else { throw JSONError("\(error)") }
      return nil
    }
    guard !bytes.allSatisfy({ [0x20, 0x09, 0x0a, 0x0d].contains($0) }) else { return nil }
    return try ExecutorAnswer(parsing: bytes)
  }
}

extension Receipt.Attempt {
  /// Takes an executor's answer into account. It says more about a success or a failure; an attempt that ended in another way,
  /// such as by its timeout, did not end with this answer.
  ///
  /// Of its outputs those count that the job declares: an executor offers, and the manifest chooses.
  public mutating func heed(_ answer: Result<ExecutorAnswer?, JSONError>, declared: [String] = []) {
    if case .success(let answer?) = answer, case .object(let members)? = answer.outputs {
      let chosen = JSONValue.object(members.filter { declared.contains($0.key) })
      outputs.merge(OutputValues(parsing: chosen.bytes, declared: declared).values) { $1 }
    }
    guard state == .succeeded || state == .failed else { return }
    switch answer {
    case .success(nil): break
    case .success(let answer?):
      if state == .failed {
        reason = [answer.reason, reason].compactMap { $0 }.joined(separator: "; ")
      } else if answer.hasSucceeded == false {
        state = .failed
        reason = answer.reason ?? "its executor says that it has failed"
      } else {
        reason = [answer.reason, reason].compactMap { $0 }.joined(separator: "; ")
        if reason?.isEmpty == true { reason = nil }
      }
    case .failure(let error):
      state = .failed
      let words = "its executor's answer cannot be read: \(TerminalText.neutralised("\(error)"))"
      reason = [words, reason].compactMap { $0 }.joined(separator: "; ")
    }
  }
}
