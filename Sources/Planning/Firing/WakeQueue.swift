import Model

/// What is to be looked at when: a binary heap. An entry that is no longer true stays until it comes to the top, and
/// its owner says so then; taking it out of the middle would need an index into the heap for each job and run.
struct WakeQueue: Sendable {
  enum Target: Hashable, Sendable {
    /// What is due is to be decided.
    case job(JobName)
    /// The next run can be armed.
    case arming(JobName)
    /// The run's next attempt starts, or after a restart something is to be asked about it.
    case run(RunID)
  }

  struct Entry: Hashable, Sendable {
    var time: Timestamp
    var target: Target
  }

  private var heap: [Entry] = []

  var count: Int { heap.count }
  var first: Entry? { heap.first }

  mutating func insert(_ entry: Entry) {
    heap.append(entry)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].time < heap[parent].time else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  mutating func removeFirst() -> Entry? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return first }
    heap[0] = last
    sink(0)
    return first
  }

  /// Drops all entries but those that `isTrue`, in time proportional to their number.
  mutating func keep(where isTrue: (Entry) -> Bool) {
    heap.removeAll { !isTrue($0) }
    for parent in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(parent) }
  }

  private mutating func sink(_ start: Int) {
    var parent = start
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].time < heap[least].time {
        least = child
      }
      guard least != parent else { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
