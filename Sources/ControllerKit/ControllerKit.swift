// ControllerKit: the controller's services. Each is a loop that looks at the present state, asks a pure function what
// to do, and does it.
//
//   SourceService   polls the source branch and keeps what is desired
//   FleetService    serves the agents' streams and keeps what is observed
//   Reconciler      plan(desired, observed) and signed assignments
//   ResultsService  gathers receipts, commits and pushes them, tells agents when they may forget
//   APIService      the local HTTP API
//
// Must not: import AgentKit, libgit2, libyaml or libcrypto, or decide anything that Planning decides.
