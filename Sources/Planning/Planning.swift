// Planning: what should happen, decided from values.
//
// Lives here: the plan that takes the fleet from what is observed to what is desired (Plan/), the verdict on each job
// and agent (Status/), and the machine that decides when an agent starts, skips and repeats runs (Firing/).
// Must not: import Foundation, read a clock, draw a random number, do I/O, sign anything, or keep state between two
// passes (the firing machine's state is a value that its owner keeps and can rebuild from the agent's ledger).
