import CLibGit2
import Model

/// An open conversation with a remote on the network, inside ``NetworkOperation/run(_:)``.
struct Connection: ~Copyable {
  let pointer: OpaquePointer
  private let operation: NetworkOperation
  private let payload: UnsafeMutableRawPointer

  /// A reference that the remote has.
  struct Head {
    let name: String
    let id: ObjectID
  }

  /// Connects and gets in, or throws why not.
  init(
    _ operation: NetworkOperation, _ payload: UnsafeMutableRawPointer, in repository: Repository?,
    _ direction: git_direction
  ) throws(GitError) {
    let url = operation.remote.publicURL
    var remote: OpaquePointer?
    if let repository {
      try check(git_remote_create_anonymous(&remote, repository.pointer, operation.remote.url), "cannot use '\(url)'")
    } else {
      try check(git_remote_create_detached(&remote, operation.remote.url), "cannot use '\(url)'")
    }
    guard let remote else { throw GitError(.other, "cannot use '\(url)'") }
    var options = git_remote_connect_options()
    git_remote_connect_options_init(&options, UInt32(GIT_REMOTE_CONNECT_OPTIONS_VERSION))
    NetworkCallbacks.install(in: &options.callbacks, payload: payload)
    // A redirect to another host would take the token there.
    options.follow_redirects = GIT_REMOTE_REDIRECT_NONE
    let code = git_remote_connect_ext(remote, direction, &options)
    guard code == 0 else {
      let error = lastError(code, "cannot reach '\(url)'")
      git_remote_free(remote)
      throw error
    }
    pointer = remote
    self.operation = operation
    self.payload = payload
  }

  deinit {
    git_remote_disconnect(pointer)
    git_remote_free(pointer)
  }

  /// What the remote has, peeled tags left out.
  func heads() throws(GitError) -> [Head] {
    var list: UnsafeMutablePointer<UnsafePointer<git_remote_head>?>?
    var count = 0
    try check(git_remote_ls(&list, &count, pointer), "cannot list the branches of '\(operation.remote.publicURL)'")
    return (0..<count).compactMap { index in
      guard let head = list?[index]?.pointee, let name = head.name else { return nil }
      return Head(name: String(cString: name), id: ObjectID(head.oid))
    }
  }

  /// Receives what is missing for a reference.
  func download(_ reference: String) throws(GitError) {
    var options = git_fetch_options()
    git_fetch_options_init(&options, UInt32(GIT_FETCH_OPTIONS_VERSION))
    NetworkCallbacks.install(in: &options.callbacks, payload: payload)
    options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE
    options.update_fetchhead = 0
    options.follow_redirects = GIT_REMOTE_REDIRECT_NONE
    try Self.withStrings(reference) { (list) throws(GitError) in
      try check(
        git_remote_download(pointer, &list, &options), "cannot fetch from '\(operation.remote.publicURL)'")
    }
  }

  /// Sends a local reference to one of the remote, never forced.
  func upload(_ local: String, to reference: String) throws(GitError) {
    var options = git_push_options()
    git_push_options_init(&options, UInt32(GIT_PUSH_OPTIONS_VERSION))
    NetworkCallbacks.install(in: &options.callbacks, payload: payload)
    options.follow_redirects = GIT_REMOTE_REDIRECT_NONE
    try Self.withStrings("\(local):\(reference)") { (list) throws(GitError) in
      try check(git_remote_upload(pointer, &list, &options), "cannot push to '\(operation.remote.publicURL)'")
    }
  }

  private static func withStrings(
    _ text: String, _ body: (inout git_strarray) throws(GitError) -> Void
  ) throws(GitError) {
    var list = git_strarray()
    var outcome: Result<Void, GitError> = .success(())
    var bytes = text.utf8CString
    bytes.withUnsafeMutableBufferPointer { buffer in
      var pointer = buffer.baseAddress
      withUnsafeMutablePointer(to: &pointer) { pointer in
        list.strings = pointer
        list.count = 1
        outcome = Result { () throws(GitError) in try body(&list) }
      }
    }
    try outcome.get()
  }
}
