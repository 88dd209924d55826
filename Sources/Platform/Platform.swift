// Platform: what services of both kinds need of the operating system, and nothing about Belfry itself.
// Lives here: where blocking calls run, the wall clock, random names, durable files, one-slot signals.
