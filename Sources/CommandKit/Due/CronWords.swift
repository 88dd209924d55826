import Model
import Schedule

/// What this module asks of a single cron expression.
enum CronWords {
  /// `job` is what `H` is hashed from. Nil for a text that is no expression.
  static func expression(_ text: String, hashing job: JobName?) -> CronExpression? {
    try? CronExpression(text, hashing: job?.text)
  }
}
