import ArgumentParser
import Model
import Platform
import Trust

struct KeysCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys",
    abstract: "Make keys.",
    discussion: """
      Examples:
        belfry keys generate /etc/belfry/controller
      """,
    subcommands: [GenerateKeyCommand.self])
}

struct GenerateKeyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Make a pair of Ed25519 keys, as files that openssl can read.",
    discussion: """
      Writes PATH.key, the private key (PKCS#8 PEM, mode 0600), and PATH.pub, the public key (SubjectPublicKeyInfo \
      PEM). The private key stays with the controller, agents get the public one. Nothing is ever overwritten.

      The line that is printed last goes into git's allowed signers file: with it, git verifies the results branch.

      Examples:
        belfry keys generate /etc/belfry/controller
        belfry keys generate controller && openssl pkey -in controller.key -text
        git config gpg.ssh.allowedSignersFile signers
        git log --show-signature belfry/results
      """)

  @Argument(help: "The files' path without their endings.", completion: .file())
  var path: String

  @OptionGroup var format: FormatOption

  /// The name under which git shows the controller's signatures.
  static let principal = "belfry-controller"

  /// Those who write them too mean the same.
  private static let endings = [".key", ".pub"]

  func run() async throws {
    let surroundings = Surroundings.current
    let stem = Self.endings.first(where: path.hasSuffix).map { String(path.dropLast($0.count)) } ?? path
    let base = surroundings.absolute(stem)
    for file in [base + ".key", base + ".pub"] where NewFile.exists(file) {
      throw CommandError(
        .bad, "\(file) exists, and keys are never overwritten", hint: "move it away, or choose another path")
    }
    let key = try SigningKey.generate()
    try NewFile.write(Array(try key.pem.utf8), to: base + ".key", mode: 0o600)
    try NewFile.write(Array(key.publicKey.pem.utf8), to: base + ".pub", mode: 0o644)
    let signers = key.publicKey.allowedSignersLine(principal: Self.principal)
    if format.isJSON {
      return try surroundings.print([
        "privateKey": .string(base + ".key"), "publicKey": .string(base + ".pub"),
        "keyid": .string(key.publicKey.keyID.hex), "allowedSigners": .string(signers),
      ])
    }
    try surroundings.print(
      """
      Private key      \(stem).key (keep it secret)
      Public key       \(stem).pub
      Key id           \(key.publicKey.keyID)
      Allowed signers  \(signers)

      """)
  }
}
