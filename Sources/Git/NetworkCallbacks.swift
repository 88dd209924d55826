import CLibGit2
import Glibc

/// libgit2's questions during a conversation, answered from the ``NetworkOperation`` that is their payload.
enum NetworkCallbacks {
  static func install(in callbacks: inout git_remote_callbacks, payload: UnsafeMutableRawPointer) {
    callbacks.payload = payload
    callbacks.credentials = { NetworkCallbacks.credentials($0, $2, $3, $4) }
    callbacks.certificate_check = { NetworkCallbacks.certificate($0, $1, $2, $3) }
    callbacks.sideband_progress = { _, _, payload in
      NetworkCallbacks.operation(payload)?.touch()
      return 0
    }
    callbacks.pack_progress = { _, _, _, payload in
      NetworkCallbacks.operation(payload)?.touch()
      return 0
    }
    callbacks.push_transfer_progress = { _, _, _, payload in
      NetworkCallbacks.operation(payload)?.touch()
      return 0
    }
    callbacks.transfer_progress = { _, payload in NetworkCallbacks.received(payload) }
    callbacks.push_update_reference = { name, refusal, payload in
      guard let name else { return -1 }
      NetworkCallbacks.operation(payload)?.confirm(String(cString: name), refusal.map { String(cString: $0) })
      return 0
    }
  }

  private static func operation(_ payload: UnsafeMutableRawPointer?) -> NetworkOperation? {
    payload.map { Unmanaged<NetworkOperation>.fromOpaque($0).takeUnretainedValue() }
  }

  /// Called again after every refusal, for ever, unless it gives up itself: each credential is offered once.
  private static func credentials(
    _ out: UnsafeMutablePointer<UnsafeMutablePointer<git_credential>?>?, _ user: UnsafePointer<CChar>?,
    _ allowed: UInt32, _ payload: UnsafeMutableRawPointer?
  ) -> Int32 {
    guard let operation = operation(payload) else { return GIT_EAUTH.rawValue }
    operation.touch()
    let url = operation.remote.publicURL
    func refuse(_ message: String, _ hint: String) -> Int32 {
      operation.fail(GitError(.authentication, message, hint: hint))
      return GIT_EAUTH.rawValue
    }
    if allowed & GIT_CREDENTIAL_USERNAME.rawValue != 0 {
      guard operation.countOffer() < 2 else { return GIT_EAUTH.rawValue }
      return git_credential_username_new(out, "git")
    }
    switch operation.remote.credentials {
    case .none:
      return refuse("'\(url)' asks for credentials, and none are configured", "configure a token or an ssh key")
    case .token(let username, let secret):
      guard allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT.rawValue != 0 else {
        return refuse("'\(url)' does not take a token", "configure an ssh key")
      }
      guard operation.countOffer() < 1 else { return refuse("'\(url)' refuses the token", "it may have expired") }
      return git_credential_userpass_plaintext_new(out, username, secret.revealed)
    case .sshKey(let path, let passphrase):
      guard allowed & GIT_CREDENTIAL_SSH_KEY.rawValue != 0 else {
        return refuse("'\(url)' does not take an ssh key", "configure a token")
      }
      guard access(path, R_OK) == 0 else {
        return refuse("cannot read the ssh key '\(path)': \(String(cString: strerror(errno)))", "check the path")
      }
      guard operation.countOffer() < 2 else {
        return refuse(
          "'\(url)' refuses the ssh key '\(path)'", "add its public half there; keys of type ed25519 work best")
      }
      return git_credential_ssh_key_new(out, user.map { String(cString: $0) } ?? "git", nil, path, passphrase?.revealed)
    }
  }

  private static func certificate(
    _ certificate: UnsafeMutablePointer<git_cert>?, _ isValid: Int32, _ host: UnsafePointer<CChar>?,
    _ payload: UnsafeMutableRawPointer?
  ) -> Int32 {
    guard let operation = operation(payload), let certificate, let host else { return GIT_ECERTIFICATE.rawValue }
    operation.touch()
    let name = String(cString: host)
    guard certificate.pointee.cert_type == GIT_CERT_HOSTKEY_LIBSSH2 else {
      guard isValid != 1 else { return 0 }
      operation.fail(
        GitError(
          .untrusted, "the certificate of '\(name)' is not trusted", hint: "add its authority to the trusted ones"))
      return GIT_ECERTIFICATE.rawValue
    }
    // Without a file of our own the user's ~/.ssh/known_hosts decides; libgit2 has looked there.
    guard let file = operation.remote.knownHosts else {
      guard isValid != 1 else { return 0 }
      operation.fail(
        GitError(
          .untrusted, "the host key of '\(name)' is not in ~/.ssh/known_hosts",
          hint: "compare its fingerprint, then: ssh-keyscan '\(name)' >> ~/.ssh/known_hosts"))
      return GIT_ECERTIFICATE.rawValue
    }
    let key = UnsafeMutableRawPointer(certificate).assumingMemoryBound(to: git_cert_hostkey.self).pointee
    guard key.type.rawValue & GIT_CERT_SSH_RAW.rawValue != 0, let bytes = key.hostkey else {
      return GIT_ECERTIFICATE.rawValue
    }
    var port = 22
    if case .network(_, _, let given?, _) = operation.address { port = given }
    let offered = [UInt8](UnsafeRawBufferPointer(start: bytes, count: key.hostkey_len))
    do throws(GitError) {
      try KnownHosts(file: file).check(host: name, port: port, key: offered)
      return 0
    } catch {
      operation.fail(error)
      return GIT_ECERTIFICATE.rawValue
    }
  }

  /// libgit2 writes what it receives through a memory map, where a full disk is a SIGBUS: stop before that.
  private static func received(_ payload: UnsafeMutableRawPointer?) -> Int32 {
    guard let operation = operation(payload) else { return 0 }
    operation.touch()
    guard let folder = operation.receivesInto else { return 0 }
    var space = statvfs()
    guard statvfs(folder, &space) == 0, space.f_bavail * space.f_frsize < receivingReserve else { return 0 }
    operation.fail(
      GitError(.disk, "the disk is too full to receive commits in '\(folder)'", hint: errorHint(.disk, "")))
    return GIT_EUSER.rawValue
  }

  /// Bytes that must stay free.
  static let receivingReserve: UInt = 4 << 20
}
