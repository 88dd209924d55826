// ZoneInfo: time zones from the system's database.
//
// Lives here: finding and reading the TZif files of a folder such as /usr/share/zoneinfo.
// Must not: know how rules are read or what they mean (Schedule does), read the environment (TZ, TZDIR), or write.
