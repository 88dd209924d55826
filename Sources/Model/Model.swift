// Model: the words of Belfry as Swift values.
//
// Lives here: identities, times, the job, the signed objects' contents, status words, and their one JSON form.
// Must not: import Foundation, read a clock, draw a random number, do I/O, or know about YAML, git, keys or wires.
