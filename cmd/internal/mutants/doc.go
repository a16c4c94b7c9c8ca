// Command mutants breaks the replication core on purpose and makes sure that the simulator notices.
//
// A mutant is a patch under testdata: a mistake that a programmer could make, in product code. For each of them
//
//	sources of the simulator ── copy ──> temporary directory ── patch ──> build ──> run seeds until the first violation
//
// and the unmutated sources first, on the same seeds: if those are not clean nothing is proven. A mutant that no seed finds
// is a hole in the checks (or does no harm, and is no mutant). The exit status is 1 when one survived or could not be
// tried, so that a patch that does not fit any more is never taken for a catch.
//
//	go run ./cmd/internal/mutants                      all of them, 300 seeds at most
//	go run ./cmd/internal/mutants -only hint-counts    some, by name, parted by commas
//	go run ./cmd/internal/mutants -quick               the four that are caught soonest, as the table in docs says
//	go run ./cmd/internal/mutants -open                those that are not caught yet: holes that are known
//	go run ./cmd/internal/mutants -record              all, and write that table
//	go run ./cmd/internal/mutants -refresh             write the patches anew where only line numbers moved
//
// # Patches
//
//	# what it breaks, in one line
//	#
//	# Wrong: why that is wrong
//	# Source: the mistake of another system that it follows, or the paper that says so
//
//	diff --git a/cluster/dynamo/x.go b/cluster/dynamo/x.go
//	...
//
// A hunk is found by its lines, not by its numbers: they must be there exactly once. Two lines of context keep patches apart from
// changes nearby. No switch in product code takes part.
package main
