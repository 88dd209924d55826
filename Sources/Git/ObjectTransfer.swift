import CLibGit2
import Glibc
import Model

/// Copies a commit with everything that it stands on from one repository of this machine to another.
struct ObjectTransfer {
  private let source: Repository
  private let target: Repository

  /// Above this many objects, or bytes, deltas are worth the search for them, and the whole should not be in memory.
  private let large: (objects: Int, bytes: Int)

  init(from source: Repository, to target: Repository, large: (objects: Int, bytes: Int) = (50_000, 256 << 20)) {
    self.source = source
    self.target = target
    self.large = large
  }

  /// Writes what `target` lacks as one pack.
  func copy(_ tip: CommitID) throws(GitError) {
    var objects: [ObjectID] = []
    var seen: Set<ObjectID> = []
    for commit in try missingCommits(tip) {
      let id = try commit.object
      if seen.insert(id).inserted { objects.append(id) }
      let info = try source.commit(commit)
      // A parent is at the target already or was collected before, so only what differs from it can be missing.
      var before: ObjectID?
      if let parent = info.parents.first { before = try source.rootTree(of: parent) }
      try collect(source.rootTree(of: commit), before, 0, &objects, &seen)
    }
    guard !objects.isEmpty else { return }
    var size = 0
    for id in objects { size += try source.header(of: id).size }
    if objects.count > large.objects || size > large.bytes {
      try copyLarge(objects, size: size)
    } else {
      try copySmall(objects)
    }
  }

  /// Parents before their children.
  private func missingCommits(_ tip: CommitID) throws(GitError) -> [CommitID] {
    var walk: OpaquePointer?
    try check(git_revwalk_new(&walk, source.pointer), "cannot walk the history")
    defer { git_revwalk_free(walk) }
    var start = try tip.oid
    try check(git_revwalk_push(walk, &start), "cannot walk from commit \(tip.short)")
    // What stands below the target's references is complete there; an object that is merely there might not be.
    for known in try target.referencedCommits() where source.contains(known) {
      var oid = known.oid
      git_revwalk_hide(walk, &oid)
    }
    var commits: [CommitID] = []
    var oid = git_oid()
    while true {
      let code = git_revwalk_next(&oid, walk)
      if code == GIT_ITEROVER.rawValue { break }
      try check(code, "cannot walk the history of \(tip.short)")
      commits.append(try ObjectID(oid).commit)
    }
    return commits.reversed()
  }

  private func collect(
    _ tree: ObjectID, _ before: ObjectID?, _ depth: Int, _ objects: inout [ObjectID], _ seen: inout Set<ObjectID>
  ) throws(GitError) {
    guard tree != before, seen.insert(tree).inserted else { return }
    // Each level is one of ours on the stack, too.
    guard depth <= 256 else { throw GitError(.tooLarge, "a commit has folders nested more than 256 deep") }
    objects.append(tree)
    var old: [[UInt8]: TreeEntry] = [:]
    if let before { for entry in try source.tree(before) { old[entry.name] = entry } }
    for entry in try source.tree(tree) where entry.mode != TreeEntry.submoduleMode && old[entry.name]?.id != entry.id {
      if entry.isFolder {
        let inner = old[entry.name].flatMap { $0.isFolder ? $0.id : nil }
        try collect(entry.id, inner, depth + 1, &objects, &seen)
      } else if seen.insert(entry.id).inserted {
        objects.append(entry.id)
      }
    }
  }

  private func copySmall(_ objects: [ObjectID]) throws(GitError) {
    var pack = try PackWriter()
    for id in objects {
      let type = try source.header(of: id).type
      try source.withObject(id, type) { (bytes) throws(GitError) in try pack.add(type, bytes, id: id) }
    }
    try target.store(pack)
  }

  private func copyLarge(_ objects: [ObjectID], size: Int) throws(GitError) {
    var builder: OpaquePointer?
    try check(git_packbuilder_new(&builder, source.pointer), "cannot build a pack")
    defer { git_packbuilder_free(builder) }
    git_packbuilder_set_threads(builder, 0)
    for id in objects {
      var oid = id.oid
      try check(git_packbuilder_insert(builder, &oid, nil), "cannot add object \(id) to a pack")
    }
    // libgit2 fills the pack through a memory map, where a full disk would kill the process.
    var space = statvfs()
    let folder = target.path + "objects/pack"
    guard statvfs(folder, &space) == 0 else { throw DurableFile.failure("cannot look at '\(folder)'") }
    guard space.f_bavail * space.f_frsize > UInt(size) + NetworkCallbacks.receivingReserve else {
      throw GitError(.disk, "the disk of '\(folder)' may not have room for \(size) bytes", hint: errorHint(.disk, ""))
    }
    try check(git_packbuilder_write(builder, folder, 0o444, nil, nil), "cannot write a pack into '\(folder)'")
    try check(git_odb_refresh(target.database), "cannot see the new pack")
  }
}

extension Repository {
  /// The commits that references here point at.
  fileprivate func referencedCommits() throws(GitError) -> [ObjectID] {
    var iterator: OpaquePointer?
    try check(git_reference_iterator_new(&iterator, pointer), "cannot list the references")
    defer { git_reference_iterator_free(iterator) }
    var found: Set<ObjectID> = []
    var name: UnsafePointer<CChar>?
    while git_reference_next_name(&name, iterator) == 0 {
      var oid = git_oid()
      if git_reference_name_to_id(&oid, pointer, name) == 0 { found.insert(ObjectID(oid)) }
    }
    return Array(found)
  }
}
