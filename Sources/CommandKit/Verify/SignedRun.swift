import Model
import Results
import Trust

/// A receipt on a results branch.
struct SignedRun {
  let stored: StoredReceipt
  /// How git names the branch's content: the commit that was read.
  let commit: CommitID

  init(_ stored: StoredReceipt, reader: ResultsReader) {
    self.stored = stored
    commit = reader.commit
  }

  func item(_ keys: Keyring) throws -> VerifyReport.Item {
    let receipts = ResultsLayout.receipts(stored.file)
    let title = "\(receipts):\(stored.line)"
    guard let signature = stored.signature else {
      return VerifyReport.Item(title: title, verdict: .bad("there is no signature in the same line of the .sigs file"))
    }
    return try VerifyReport.Item(title: title, keys) { () throws(TrustError) in
      try Inspection(receiptLine: stored.bytes, signatureLine: signature)
    } script: { inspection, key in
      script(inspection, key: key)
    }
  }

  /// The files come out of the branch first.
  private func script(_ inspection: Inspection, key: String) -> String {
    let paths = [ResultsLayout.receipts(stored.file), ResultsLayout.signatures(stored.file)]
    let isOnBranch = key == ResultsLayout.agentKey(stored.receipt.agent)
    let shows = zip(paths + [key], ["receipts.ndjson", "receipts.sigs", "signer.pem"]).prefix(isOnBranch ? 3 : 2)
      .map { "# git show \(commit):\($0) > \($1)\n" }.joined()
    let script = inspection.opensslScript(
      receipts: "receipts.ndjson", signatures: "receipts.sigs", line: stored.line,
      key: isOnBranch ? "signer.pem" : key)
    return "# First, in the repository:\n" + shows + script
  }
}
