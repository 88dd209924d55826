import ArgumentParser
import Git
import Model
import Results
import Trust

struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check a signed object offline.",
    discussion: """
      FILE is an envelope of any kind (bundle, assignment, dispatch, receipt), or a .ndjson file of a results branch \
      with its .sigs file beside it. With --run, a receipt is taken from the results branch of this repository.

      The key comes from --key, else from the results branch of this repository: agents/<id>.pem for a receipt, \
      controller.pem for everything else. Without either it is wrong usage (exit code 2), since nothing can be checked. \
      The keys on the branch are as trustworthy as whoever may push to it; where that matters, compare key ids. What is \
      signed by somebody whose key the branch lacks is NOKEY. The exit code is 1 unless every signature is good.

      With --openssl, prints shell scripts that check the same with plain openssl.

      Examples:
        belfry verify bundle.json --key controller.pub
        belfry verify runs/web/heartbeat/2026/11/20/02/3000Z.ndjson
        belfry verify --run 5f1c09aa7b3e --openssl
      """)

  @Argument(help: "The file.", completion: .file())
  var file: String?

  @Option(help: ArgumentHelp("A run on the results branch, in place of a file.", valueName: "run"))
  var run: String?

  @Option(help: ArgumentHelp("The signer's public key, PEM.", valueName: "file"), completion: .file())
  var key: String?

  @Flag(help: "Print the openssl commands that check the same.")
  var openssl = false

  @OptionGroup var results: ResultsOptions
  @OptionGroup var format: FormatOption

  func validate() throws {
    if (file == nil) == (run == nil) { throw ValidationError("give a FILE, or --run RUN") }
  }

  func run() async throws {
    let surroundings = Surroundings.current
    let keys = try Keyring(file: key, in: surroundings) { try results.reader() }
    let report = VerifyReport(items: try items(keys, surroundings))
    if keys.isEmpty, let inspection = report.firstOfNoneChecked { throw Keyring.needed(for: inspection) }
    try format.isJSON ? surroundings.print(report.json) : surroundings.print(report.text(openssl: openssl))
    if !report.isGood { throw ExitStatus.bad }
  }

  private func items(_ keys: Keyring, _ surroundings: Surroundings) throws -> [VerifyReport.Item] {
    if let run {
      let reader = try results.reader()
      let stored = try RunSearch(reader).run(run)
      return [try SignedRun(stored, reader: reader).item(keys)]
    }
    let path = file ?? ""
    let bytes = try SignedFile.read(path, surroundings)
    if path.hasSuffix(".ndjson") {
      let signatures = String(path.dropLast(7)) + ".sigs"
      return try SignedFile.items(
        receipts: (path, bytes), signatures: (signatures, SignedFile.read(signatures, surroundings)), keys)
    }
    return [try SignedFile.item(envelope: bytes, at: path, keys)]
  }
}
