import GRDB

enum LedgerSchema {
  /// Each version of the tables, once and for ever: a released migration is never edited.
  static let migrator: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { db in
      try db.execute(
        sql: """
          CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
          CREATE TABLE assignment (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            epoch INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            digest TEXT NOT NULL
          ) STRICT;
          CREATE TABLE cursors (job TEXT PRIMARY KEY, instant INTEGER NOT NULL) STRICT;
          CREATE TABLE runs (
            id TEXT PRIMARY KEY,
            job_json TEXT NOT NULL,
            nominal INTEGER NOT NULL,
            request TEXT,
            bundle TEXT NOT NULL,
            commit_id TEXT NOT NULL,
            params TEXT NOT NULL,
            started INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            waiting_until INTEGER,
            cancel_requested INTEGER NOT NULL,
            attempts TEXT NOT NULL,
            start_by INTEGER,
            boot TEXT NOT NULL,
            ended INTEGER NOT NULL
          ) STRICT;
          CREATE INDEX runs_active ON runs (started, id) WHERE ended = 0;
          CREATE INDEX runs_ended ON runs (started) WHERE ended = 1;
          CREATE TABLE spool (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            run TEXT NOT NULL UNIQUE,
            line BLOB NOT NULL,
            signature BLOB NOT NULL,
            rejected TEXT
          ) STRICT;
          CREATE TABLE logs (
            run TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            data BLOB NOT NULL,
            PRIMARY KEY (run, attempt)
          ) STRICT, WITHOUT ROWID;
          """)
    }
    migrator.registerMigration("2") { db in
      try db.execute(
        sql: """
          ALTER TABLE runs ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
          ALTER TABLE runs ADD COLUMN armed_for INTEGER;
          ALTER TABLE runs ADD COLUMN turn_by INTEGER;
          ALTER TABLE cursors ADD COLUMN floor INTEGER NOT NULL DEFAULT \(Int64.min);
          """)
    }
    migrator.registerMigration("quarantine") { db in
      try db.execute(
        sql: """
          CREATE TABLE crashes (bundle TEXT NOT NULL, at INTEGER NOT NULL, words TEXT NOT NULL) STRICT;
          CREATE TABLE quarantine (bundle TEXT PRIMARY KEY, since INTEGER NOT NULL, words TEXT NOT NULL) STRICT;
          """)
    }
    migrator.registerMigration("persons") { db in try db.execute(sql: "ALTER TABLE runs ADD COLUMN person TEXT") }
    migrator.registerMigration("artifacts") { db in
      try db.execute(
        sql: """
          CREATE TABLE artifacts (
            run TEXT NOT NULL,
            digest TEXT NOT NULL,
            received INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (run, digest)
          ) STRICT, WITHOUT ROWID;
          CREATE INDEX artifacts_digest ON artifacts (digest);
          ALTER TABLE spool ADD COLUMN committed INTEGER NOT NULL DEFAULT 0;
          """)
    }
    migrator.registerMigration("rejections") { db in
      try db.execute(sql: "ALTER TABLE spool ADD COLUMN rejected_at INTEGER")
    }
    return migrator
  }()
}
