// Command sim runs seeds of the cluster simulator and prints what happened in them. Its exit status is 1 when an invariant did
// not hold or the core panicked, 2 for wrong arguments.
//
//	sim -seeds 2000               seeds 1 to 2000
//	sim -seeds 1 -seed 77 -trace  one seed, with its trace
//	sim -for 1h -seed 1000000     seeds from there on, for an hour
package main
