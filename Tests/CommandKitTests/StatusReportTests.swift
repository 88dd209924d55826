import Model
import Testing

@testable import CommandKit

@Suite struct StatusReportTests {
  @Test func everythingInItsColumn() throws {
    let status = try json(
      #"""
      {"version":"0.1.0","epoch":3,"now":"2026-11-20T12:00:00Z",
       "source":{"repository":"/srv/jobs.git","branch":"main","commit":"1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d","status":"incomplete",
         "reason":"belfry.yaml cannot be read","checked":"2026-11-20T11:59:57Z",
         "diagnostics":[{"file":"jobs/a.yaml","line":7,"column":3,"severity":"error","message":"unknown key",
           "rendered":"jobs/a.yaml:7:3: error: unknown key\n    timout: 5m\n    ^"}]},
       "results":{"repository":"/srv/jobs.git","branch":"belfry/results","tip":"9f8e7d6c5b4a39281706f5e4d3c2b1a098765432","pending":2,"state":"ok"},
       "agents":{"connected":1,"known":2,"list":[
         {"id":"x","name":"db-1","connected":true,"sync":"Synced","health":"Healthy","labels":{},"addresses":[],"version":"0.1.0",
          "since":"2026-11-20T11:00:00Z","lastHeard":"2026-11-20T11:59:58Z","position":"3.14","jobs":2,
          "running":[{"run":"r","job":"data/backup","nominal":"2026-11-20T12:00:00Z","started":"2026-11-20T12:00:00Z","attempt":1}],
          "spooled":0,"problems":[]},
         {"id":"y","name":"web-1","connected":false,"sync":"OutOfSync","health":"Unknown","reason":"not connected; 1 job differs",
          "labels":{},"addresses":[],"version":"0.1.0","since":"2026-11-20T11:00:00Z","lastHeard":"2026-11-20T11:00:00Z",
          "position":"2.9","jobs":1,"running":[],"spooled":4,"problems":["disk full\u001b[2J"]}]},
       "jobs":[
         {"job":"data/backup","sync":"Synced","health":"Healthy","bundle":"abababababababab","commit":"c0","holders":1,"eligible":1,
          "next":"2026-11-21T02:30:00Z","lastOutcome":"Succeeded","lastNominal":"2026-11-20T02:30:00Z"},
         {"job":"report","sync":"OutOfSync","health":"Degraded","syncReason":"not the desired bundle on web-1","healthReason":"the last run on web-1: Failed",
          "bundle":"cdcdcdcdcdcdcdcd","commit":"c0","holders":0,"eligible":1,"lastOutcome":"Failed","lastNominal":"2026-11-20T11:50:00Z"}]}
      """#)
    #expect(
      StatusReport(status).text == """
        Source      /srv/jobs.git main at 1a2b3c4d5, incomplete, checked 3s ago
                    belfry.yaml cannot be read
        Results     /srv/jobs.git belfry/results at 9f8e7d6c5, ok, 2 receipts pending
        Agents      1 of 2 connected
        Controller  0.1.0, epoch 3

        AGENT  LINK       SYNC       HEALTH   POSITION  LAST HEARD  RUNNING      SPOOLED  NOTE
        db-1   connected  Synced     Healthy  3.14      2s ago      data/backup
        web-1  away       OutOfSync  Unknown  2.9       1h00m ago                4        not connected; 1 job differs; disk full<U+001B>[2J

        JOB          SYNC       HEALTH    BUNDLE        AGENTS  LAST                 NEXT                              NOTE
        data/backup  Synced     Healthy   abababababab  1/1     Succeeded 9h30m ago  2026-11-21T02:30:00Z (in 14h30m)
        report       OutOfSync  Degraded  cdcdcdcdcdcd  0/1     Failed 10m00s ago                                      the last run on web-1: Failed

        jobs/a.yaml:7:3: error: unknown key
            timout: 5m
            ^

        """)
  }

  @Test(arguments: ["{}", "[]", "null", #"{"agents":{"list":[{}]},"jobs":[{}],"source":{}}"#])
  func whatIsMissingIsLeftOut(_ text: String) throws {
    let report = StatusReport(try json(text)).text
    #expect(!report.contains("nil"))
  }
}
