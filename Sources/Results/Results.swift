// Results: the results branch, which is the history of all runs and the only place where it is kept.
//
// Lives here: where things stand on the branch (Layout), the lines of its files (Lines), what a batch of receipts
// changes (Plan), the pages for people (Pages), and the two that touch a repository: ResultsWriter and ResultsReader.
// Must not: know about agents' connections, schedules or the controller's services, decide when to write or how long
// to wait, read a clock, or touch git other than through Git.Repository.
