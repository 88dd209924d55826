import Schedule
import Testing

@Suite struct CronWordsTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var expression: String
    var words: String
    init(_ expression: String, _ words: String) {
      self.expression = expression
      self.words = words
    }
    var testDescription: String { expression }
  }

  static let rows: [Row] = [
    // Times.
    Row("* * * * *", "every minute"),
    Row("* * * * * *", "every second"),
    Row("*/5 * * * *", "every 5 minutes"),
    Row("0-59/15 * * * *", "every 15 minutes"),
    Row("0,30 * * * *", "every 30 minutes"),
    Row("*/10 * * * * *", "every 10 seconds"),
    Row("0 * * * *", "every hour"),
    Row("@hourly", "every hour"),
    Row("0 0 * * * *", "every hour"),
    Row("30 * * * *", "at minute 30 of every hour"),
    Row("5,20,35 * * * *", "at minutes 5, 20 and 35 of every hour"),
    Row("*/40 * * * *", "at minutes 0 and 40 of every hour"),
    Row("*/7 * * * *", "at every 7th minute from 0 to 56 of every hour"),
    Row("1-59/2 * * * *", "at every 2nd minute from 1 to 59 of every hour"),
    Row("10-20 * * * *", "at minutes 10 to 20 of every hour"),
    Row("0-5,10,11,20-25 * * * *", "at minutes 0 to 5, 10, 11 and 20 to 25 of every hour"),
    Row("30 2 * * *", "at 02:30 every day"),
    Row("30 2,14 * * *", "at 02:30 and 14:30 every day"),
    Row("0,30 9,17 * * *", "at 09:00, 09:30, 17:00 and 17:30 every day"),
    Row("5 30 2 * * *", "at 02:30:05 every day"),
    Row("0 */6 * * *", "at 00:00, 06:00, 12:00 and 18:00 every day"),
    Row("0 */2 * * *", "every 2 hours from 00:00 to 22:00"),
    Row("15 */3 * * *", "every 3 hours from 00:15 to 21:15"),
    Row("30 9-17 * * *", "every hour from 09:30 to 17:30"),
    Row("0 0-2,5,9-12 * * *", "at minute 0 of the hours 00 to 02, 05 and 09 to 12"),
    Row("* 2 * * *", "every minute from 02:00 to 02:59"),
    Row("*/5 9-17 * * 1", "every 5 minutes from 09:00 to 17:59 on Monday"),
    Row("*/15 0-4,8-12 * * *", "every 15 minutes from 00:00 to 04:59 and from 08:00 to 12:59"),
    Row("*/20 */2 * * *", "every 20 minutes in every 2nd hour from 00:00 to 22:59"),
    Row("1,2,3 9-11 * * *", "at minutes 1 to 3 of every hour from 09:00 to 11:59"),
    Row("15 * * * * *", "at second 15 of every minute"),
    Row("5,35 * * * * *", "at seconds 5 and 35 of every minute"),
    Row("* 30 * * * *", "every second of minute 30 of every hour"),
    Row("*/10 */5 * * * *", "every 10 seconds of every 5th minute from 0 to 55 of every hour"),
    Row("15 10-20 9-17 * * *", "at second 15 of minutes 10 to 20 of every hour from 09:00 to 17:59"),
    Row("* * 9 * * *", "every second from 09:00 to 09:59"),
    Row("30 * 9-10 * * 1-5", "at second 30 of every minute from 09:00 to 10:59 on weekdays"),
    // Days of the week.
    Row("30 2 * * 1-5", "at 02:30 on weekdays"),
    Row("30 2 * * MON-FRI", "at 02:30 on weekdays"),
    Row("0 8 * * SAT,SUN", "at 08:00 on weekends"),
    Row("0 8 * * 6-7", "at 08:00 on weekends"),
    Row("0 8 * * 1", "at 08:00 on Monday"),
    Row("0 8 * * 0", "at 08:00 on Sunday"),
    Row("@weekly", "at 00:00 on Sunday"),
    Row("0 8 * * 1,3,5", "at 08:00 on Monday, Wednesday and Friday"),
    Row("0 8 * * 2-4", "at 08:00 on Tuesday to Thursday"),
    Row("0 8 * * FRI-SUN", "at 08:00 on Friday to Sunday"),
    Row("0 8 * * 0-6", "at 08:00 every day"),
    Row("* * * * 7", "every minute on Sunday"),
    // Days of the month.
    Row("@monthly", "at 00:00 on the 1st of the month"),
    Row("0 0 1,15 * *", "at 00:00 on the 1st and the 15th of the month"),
    Row("0 0 1-7 * *", "at 00:00 on the 1st to the 7th of the month"),
    Row("0 0 */2 * *", "at 00:00 on every 2nd day from the 1st to the 31st of the month"),
    Row("0 0 2,3,22,23,31 * *", "at 00:00 on the 2nd, the 3rd, the 22nd, the 23rd and the 31st of the month"),
    Row("0 0 11-13 * *", "at 00:00 on the 11th to the 13th of the month"),
    Row("0 0 1-31 * *", "at 00:00 every day"),
    Row("0 0 L * *", "at 00:00 on the last day of the month"),
    Row("0 0 1,15,L * *", "at 00:00 on the 1st, the 15th and the last day of the month"),
    Row("0 0 15W * *", "at 00:00 on the weekday nearest to the 15th of the month"),
    Row("0 0 LW * *", "at 00:00 on the last weekday of the month"),
    Row("*/5 * L * *", "every 5 minutes on the last day of the month"),
    // Ordinals.
    Row("0 6 * 3 FRI#2", "at 06:00 on the second Friday of the month in March"),
    Row("0 6 * * MON#1,MON#3", "at 06:00 on the first Monday and the third Monday of the month"),
    Row("0 6 * * 5L", "at 06:00 on the last Friday of the month"),
    Row("0 6 * * TUE,FRI#L", "at 06:00 on Tuesday and the last Friday of the month"),
    Row("0 6 * * SUN#5", "at 06:00 on the fifth Sunday of the month"),
    // Months.
    Row("@yearly", "at 00:00 on 1 January"),
    Row("0 0 29 2 *", "at 00:00 on 29 February"),
    Row("0 0 1 1,7 *", "at 00:00 on the 1st of the month in January and July"),
    Row("0 0 1 */3 *", "at 00:00 on the 1st of the month in January, April, July and October"),
    Row("0 0 * 6-8 *", "at 00:00 every day in June to August"),
    Row("*/5 * * 12 *", "every 5 minutes in December"),
    Row("0 9 * 1 MON", "at 09:00 on Monday in January"),
    Row("0 0 L 2 *", "at 00:00 on the last day of the month in February"),
    // Both day fields.
    Row("0 12 1 * MON", "at 12:00 on the 1st of the month or on Monday"),
    Row("0 12 1,15 3 MON", "at 12:00 on the 1st and the 15th of the month or on Monday, in March"),
    Row("0 12 L * FRI#L", "at 12:00 on the last day of the month or on the last Friday of the month"),
    Row("0 12 1 * 0-6", "at 12:00 every day"),
    Row("0 12 13 * +FRI", "at 12:00 on the 13th of the month if it is a Friday"),
    Row("0 12 L * +1-5", "at 12:00 on the last day of the month if it is a weekday"),
    Row("0 12 1-7 * +MON,TUE", "at 12:00 on the 1st to the 7th of the month if it is a Monday or a Tuesday"),
    Row("0 12 L * +FRI#L", "at 12:00 on the last day of the month if it is the last Friday of the month"),
    Row("0 12 * * +FRI", "at 12:00 on Friday"),
    Row("0 12 29 2 +MON", "at 12:00 on the 29th of the month if it is a Monday in February"),
    // Years.
    Row("0 0 0 1 1 * 2030", "at 00:00 on 1 January 2030"),
    Row("0 0 0 1 1 * 2027-2029", "at 00:00 on 1 January of 2027 to 2029"),
    Row("0 0 0 * * * 2027", "at 00:00 every day in 2027"),
    Row("0 0 0 * 3 * 2027,2029", "at 00:00 every day in March of 2027 and 2029"),
    Row("0 0 0 1 1 * */2", "at 00:00 on 1 January of every 2nd year from 1970 to 2198"),
    Row("* * * * * * 2027", "every second in 2027"),
    Row("0 0 6 * * FRI#2 2027", "at 06:00 on the second Friday of the month in 2027"),
    Row("0 0 0 1 1 * *", "at 00:00 on 1 January"),
    // H, of a job called `orders/backup`.
    Row("H H * * *", "at 08:14 every day"),
    Row("H/15 * * * *", "at minutes 3, 18, 33 and 48 of every hour"),
    Row("H 2 H * *", "at 02:14 on the 9th of the month"),
  ]

  @Test(arguments: rows) func says(_ row: Row) throws {
    #expect(try CronExpression(row.expression, hashing: "orders/backup").words == row.words)
  }
}
