import Git
import Model

extension BranchTree {
  /// Jobs at the most; a branch that names more was not written by Belfry.
  static let jobsLimit = 200_000

  /// The jobs that have a page, sorted: all that ever ran, since the writer renews the page with every receipt.
  func jobs() throws(GitError) -> [JobName] {
    var found: [JobName] = []
    guard let root = try folder(ResultsLayout.jobsFolder) else { return [] }
    var open = [(folder: root, name: "")]
    while let (folder, name) = open.popLast(), found.count < Self.jobsLimit {
      for entry in try entries(folder) {
        if entry.kind == .folder {
          let child = name.isEmpty ? entry.name : "\(name)/\(entry.name)"
          // A name that is no job's is no beginning of a job's name either.
          if (try? JobName(child)) != nil { open.append((folder.child(entry), child)) }
        } else if entry.name == ResultsLayout.jobPageName, let job = try? JobName(name) {
          found.append(job)
        }
      }
    }
    return found.sorted()
  }

  /// The one job that is asked for, whether it is known or not, else all.
  func jobs(only job: JobName?) throws(GitError) -> [JobName] {
    if let job { return [job] }
    return try jobs()
  }

  /// The last occurrences of a job, read from its receipts; `read` counts files.
  func record(of job: JobName, read: inout Int) throws(GitError) -> JobRecord {
    var record = JobRecord(job)
    var walk = RunWalk(self, jobs: [job])
    var bytes = 0
    var runs: Set<RunID> = []
    var time: Timestamp?
    while let entries = try walk.next() {
      read += 1
      record.saw(entries.file.nominal)
      if time != entries.file.nominal {
        time = entries.file.nominal
        runs = []
        // Whole times only, so that no row counts a part of its runs.
        guard bytes < Self.recordLimit, record.rows.count < JobRecord.limit else {
          record.cut()
          break
        }
      }
      guard let content = try content(entries) else { continue }
      bytes += content.receipts.count
      for stored in RunFileContent(entries.file, receipts: content.receipts, signatures: []).receipts
      where runs.insert(stored.receipt.run).inserted {
        record.add(stored.receipt, ownsPlainLogs: stored.ownsPlainLogs)
      }
    }
    return record
  }

  /// Bytes of receipts that are read for one page; with more to a page, it shows fewer occurrences after a start.
  private static let recordLimit = 16 << 20
}
