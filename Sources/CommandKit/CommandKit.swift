// CommandKit: the commands of `belfry`, and how they print.
//
//   BelfryCommand, BelfryProgram   the root command, and the way from arguments to an exit code
//   Ending        exit codes and messages, for every error, in one place
//   Surroundings  all that a command may see and touch of its process; tests pass their own
//   Text          tables, times and spans for people: pure
//   Controller    the client of the controller's local HTTP API
//   Due           when jobs are due, and what a person wants to know of it: pure
//   Why           what became of one occurrence, from the source's history and the results branch
//   Simulate      a span of time played through on a fleet
//   Commands      one file for each command; what is more than a page has a folder of its own
//
// Must not: decide what Planning, Manifest or Trust decide, print other than through Surroundings, or show text from
// repositories and agents to a terminal before it was neutralised.
