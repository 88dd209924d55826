import Git
import Model

/// Goes through the files of receipts of one job or many from the newest nominal time to the oldest, and reads only the
/// folders that it passes: a heap holds what is known so far, folders under the latest time that they could hold.
struct RunWalk {
  private let tree: BranchTree
  private var heap = MaximumHeap<Node>()

  /// Only what was due at `through` or before.
  init(_ tree: BranchTree, jobs: [JobName], through: Timestamp? = nil) {
    self.tree = tree
    let bound = min(through ?? Instant.range.upperBound, Instant.range.upperBound)
    for job in jobs { heap.insert(Node(bound: bound, job: job, content: .job)) }
  }

  /// Nil at the end.
  mutating func next() throws(GitError) -> RunFileEntries? {
    while let node = heap.removeMaximum() {
      switch node.content {
      case .file(let entries): return entries
      case .job:
        guard let folder = try tree.folder("\(ResultsLayout.runsFolder)/\(node.job.text)") else { continue }
        try open(node, folder, 0, Self.epoch)
      case .folder(let folder, let level, let time): try open(node, folder, level, time)
      }
    }
    return nil
  }

  private static let epoch = CivilTime(year: 1970, month: 1, day: 1)
  /// Digits of the folders' names: of a year, a month, a day, an hour. Their widths are what tells a job's times from
  /// the folders of other jobs below it.
  private static let widths = [4, 2, 2, 2]

  private mutating func open(
    _ node: Node, _ folder: BranchTree.Folder, _ level: Int, _ time: CivilTime
  ) throws(GitError) {
    if level == Self.widths.count {
      let hour = Timestamp(seconds: time.secondsSinceEpoch)
      for entries in try tree.runFiles(folder, node.job, hour)
      where entries.receipts != nil && entries.file.nominal <= node.bound {
        heap.insert(Node(bound: entries.file.nominal, job: node.job, content: .file(entries)))
      }
      return
    }
    for entry in try tree.entries(folder) where entry.kind == .folder {
      guard let number = Instant.number(entry.name[...], Self.widths[level]),
        let (first, last) = Self.period(level, number, time), first <= node.bound
      else { continue }
      let child = CivilTime(secondsSinceEpoch: first.seconds)
      let content = Node.Content.folder(folder.child(entry), level: level + 1, time: child)
      heap.insert(Node(bound: min(last, node.bound), job: node.job, content: content))
    }
  }

  /// The first and the last instant of a year, month, day or hour; nil when the number does not name one.
  private static func period(_ level: Int, _ number: Int, _ time: CivilTime) -> (Timestamp, Timestamp)? {
    var first = time
    var next = time
    switch level {
    case 0:
      guard number >= 1970 else { return nil }
      first.year = number
      next = CivilTime(year: number + 1, month: 1, day: 1)
    case 1:
      guard (1...12).contains(number) else { return nil }
      first.month = number
      next =
        number == 12
        ? CivilTime(year: time.year + 1, month: 1, day: 1) : CivilTime(year: time.year, month: number + 1, day: 1)
    case 2:
      guard (1...CivilTime.daysInMonth(time.month, of: time.year)).contains(number) else { return nil }
      first.day = number
      next = CivilTime(secondsSinceEpoch: first.secondsSinceEpoch + 86_400)
    default:
      guard number < 24 else { return nil }
      first.hour = number
      next = CivilTime(secondsSinceEpoch: first.secondsSinceEpoch + 3_600)
    }
    let end = Timestamp(microseconds: next.secondsSinceEpoch * 1_000_000 - 1)
    return (Timestamp(seconds: first.secondsSinceEpoch), end)
  }

  private struct Node: Comparable {
    enum Content {
      /// The folder with everything of the job.
      case job
      /// One for a year, a month, a day or an hour, which begins at `time`.
      case folder(BranchTree.Folder, level: Int, time: CivilTime)
      case file(RunFileEntries)
    }

    var bound: Timestamp
    var job: JobName
    var content: Content

    /// At one time folders come before files, as they may hold more of that time; then jobs by name, then parts.
    private var rank: (Timestamp, Int) {
      if case .file = content { (bound, 0) } else { (bound, 1) }
    }

    private var part: Int { if case .file(let entries) = content { entries.file.part } else { 0 } }

    static func < (a: Node, b: Node) -> Bool {
      if a.rank != b.rank { return a.rank < b.rank }
      return a.job == b.job ? a.part > b.part : a.job > b.job
    }

    static func == (a: Node, b: Node) -> Bool { !(a < b) && !(b < a) }
  }
}

/// A binary heap, the greatest element on top.
struct MaximumHeap<Element: Comparable> {
  private var elements: [Element] = []

  mutating func insert(_ element: Element) {
    elements.append(element)
    var index = elements.count - 1
    while index > 0, elements[(index - 1) / 2] < elements[index] {
      elements.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  mutating func removeMaximum() -> Element? {
    guard !elements.isEmpty else { return nil }
    elements.swapAt(0, elements.count - 1)
    let top = elements.removeLast()
    var index = 0
    while true {
      let left = 2 * index + 1
      guard left < elements.count else { return top }
      let greater = left + 1 < elements.count && elements[left] < elements[left + 1] ? left + 1 : left
      guard elements[index] < elements[greater] else { return top }
      elements.swapAt(index, greater)
      index = greater
    }
  }
}
