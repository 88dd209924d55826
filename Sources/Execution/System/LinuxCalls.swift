import Glibc

/// System calls that Swift's Glibc module does not offer, because their headers are not part of it. Looked up when
/// they are first needed, so that a C library too old to have them gives an error and not a program that cannot start.
enum LinuxCalls {
  private typealias Open = @convention(c) (pid_t, UInt32) -> Int32
  private typealias Send = @convention(c) (Int32, Int32, UnsafeMutableRawPointer?, UInt32) -> Int32
  private typealias Create = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
  private typealias Call = @convention(c) (Int, Int, UnsafePointer<CChar>, UnsafeRawPointer, Int) -> Int

  private static let open = symbol("pidfd_open", as: Open.self)
  private static let send = symbol("pidfd_send_signal", as: Send.self)
  private typealias GetAttribute =
    @convention(c) (
      UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int
    ) -> Int

  private typealias CreateRules = @convention(c) (Int, UnsafeRawPointer?, Int, Int) -> Int

  // The number of the call is the same on all machines.
  private static let createRules = symbol("syscall", as: CreateRules.self)

  /// landlock_create_ruleset(2): which version of landlock the kernel has; 0 for none.
  static let landlockVersion = max(0, createRules?(444, nil, 0, 1) ?? 0)

  private static let getAttribute = symbol("getxattr", as: GetAttribute.self)
  private static let create = symbol("memfd_create", as: Create.self)
  private static let call = symbol("syscall", as: Call.self)

  /// `struct open_how` of openat2(2).
  private struct OpenHow {
    var flags: UInt64
    var mode: UInt64 = 0
    var resolve: UInt64
  }

  /// O_PATH of open(2): a descriptor that names a file and does not open it.
  static let pathOnly: Int32 = 0o10_000_000

  /// openat2(2), close-on-exec, below `folder` and without passing a symbolic link or a mount point on the way, not even
  /// as the path's end: a descriptor, or -1 with errno. ELOOP says that there is a link, EXDEV a mount point.
  ///
  /// A kernel before 5.6 does not know the call. There a name without a slash is opened all the same, since at its end
  /// O_NOFOLLOW is as good against links; a longer path gives ENOSYS.
  static func openBeneath(_ folder: Int32, _ path: String, _ flags: Int32) -> Int32 {
    path.withCString { openBeneath(folder, $0, flags) }
  }

  static func openBeneath(_ folder: Int32, _ path: UnsafePointer<CChar>, _ flags: Int32) -> Int32 {
    // RESOLVE_NO_XDEV, _NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH of linux/openat2.h; the call has this number everywhere.
    var how = OpenHow(flags: UInt64(UInt32(bitPattern: flags | O_CLOEXEC | O_NOFOLLOW)), resolve: 1 | 2 | 4 | 8)
    let opened = call.map { Int32(truncatingIfNeeded: $0(437, Int(folder), path, &how, MemoryLayout<OpenHow>.size)) }
    if let opened, opened >= 0 || errno != ENOSYS { return opened }
    guard strchr(path, 0x2f) == nil, strcmp(path, "..") != 0 else { return unknown() }
    return openat(folder, path, flags | O_CLOEXEC | O_NOFOLLOW)
  }

  /// pidfd_open(2): a descriptor of the process, or -1 with errno.
  static func pidfdOpen(_ pid: Int32) -> Int32 { open.map { $0(pid, 0) } ?? unknown() }

  /// pidfd_send_signal(2).
  static func pidfdSendSignal(_ process: Int32, _ signal: Int32) -> Int32 {
    send.map { $0(process, signal, nil, 0) } ?? unknown()
  }

  /// memfd_create(2), close-on-exec, with sealing allowed, and not executable, which some hosts insist on
  /// (`vm.memfd_noexec`); kernels before 6.3 do not know the word.
  static func memfdCreate(_ name: String) -> Int32 {
    guard let create else { return unknown() }
    let (closeOnExec, allowSealing, notExecutable): (UInt32, UInt32, UInt32) = (1, 2, 8)
    let number = create(name, closeOnExec | allowSealing | notExecutable)
    return number < 0 && errno == EINVAL ? create(name, closeOnExec | allowSealing) : number
  }

  /// getxattr(2): whether there is such an extended attribute with the value 1.
  static func hasAttribute(_ name: String, of path: String) -> Bool {
    var value: UInt8 = 0
    return (getAttribute?(path, name, &value, 1) ?? -1) == 1 && value == UInt8(ascii: "1")
  }

  private typealias SetAttribute = @convention(c) (Int32, UnsafePointer<CChar>, UnsafeRawPointer, Int, Int32) -> Int
  private static let setAttribute = symbol("fsetxattr", as: SetAttribute.self)

  /// Lets one more user than the owner do what the bits say (4 read, 1 pass through), by a list as in acl(5); the group's rights
  /// and all others' go. 0, or -1 with errno: EOPNOTSUPP where the file system has no such lists.
  static func allow(_ user: UInt32, _ rights: UInt16, owner: UInt16, _ file: Int32) -> Int32 {
    // linux/posix_acl_xattr.h: a version, and (tag, rights, id) of the owner, the user, the group, the mask and others.
    let none = UInt32.max
    let entries: [(UInt16, UInt16, UInt32)] = [
      (1, owner, none), (2, rights, user), (4, 0, none), (0x10, rights, none), (0x20, 0, none),
    ]
    var list: [UInt8] = []
    func put(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { list += $0 } }
    put(UInt32(2))
    for (tag, rights, id) in entries {
      put(tag)
      put(rights)
      put(id)
    }
    return setAttribute.map { Int32($0(file, "system.posix_acl_access", list, list.count, 0)) } ?? unknown()
  }

  /// getxattr(2): whether there is such an extended attribute at all.
  static func hasAnyAttribute(_ name: String, of path: String) -> Bool {
    (getAttribute?(path, name, nil, 0) ?? -1) >= 0
  }

  private typealias Pipe = @convention(c) (UnsafeMutablePointer<Int32>, Int32) -> Int32
  private typealias FileSystem = @convention(c) (UnsafePointer<CChar>, UnsafeMutableRawPointer) -> Int32
  private static let makePipe = symbol("pipe2", as: Pipe.self)
  private static let fileSystem = symbol("statfs", as: FileSystem.self)

  /// pipe2(2) with close-on-exec: the end that is read and the end that is written; nil with errno.
  static func pipe() -> (read: Int32, write: Int32)? {
    var ends: [Int32] = [-1, -1]
    guard (makePipe.map { $0(&ends, O_CLOEXEC) } ?? unknown()) == 0 else { return nil }
    return (ends[0], ends[1])
  }

  /// The kind of file system that the path is on, as statfs(2) numbers them; nil with errno.
  static func fileSystemType(_ path: String) -> Int? {
    // A struct statfs, whose first member is the type, a long; 120 bytes at most.
    var buffer = [Int](repeating: 0, count: 64)
    return (fileSystem.map { $0(path, &buffer) } ?? unknown()) == 0 ? buffer[0] : nil
  }

  /// fcntl(2) F_ADD_SEALS with F_SEAL_SEAL, _SHRINK, _GROW and _WRITE: the content can never change again.
  static func sealForever(_ memory: Int32) -> Int32 { fcntl(memory, 1024 + 9, 1 | 2 | 4 | 8) }

  /// fcntl(2) F_OFD_SETLK, a lock that belongs to the open file and not to the process.
  static let setOpenFileLock: Int32 = 37

  private static func unknown() -> Int32 {
    errno = ENOSYS
    return -1
  }

  private static func symbol<Function>(_ name: String, as: Function.Type) -> Function? {
    dlsym(nil, name).map { unsafeBitCast($0, to: Function.self) }
  }
}
