// AgentKit: the agent's services.
//
//   Engine     installs assignments, fires on its own clock, starts attempts through the shim, makes receipts
//   Link       one stream to the controller: heartbeats, assignments, content, receipts
//   Ledger     what must survive a crash: positions, cursors, runs, and the spool of receipts (SQLite)
//
// Must not: import ControllerKit, libgit2 or libyaml, or decide anything that Planning decides.
