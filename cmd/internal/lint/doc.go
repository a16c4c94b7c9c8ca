// Package lint keeps the rules of the house that a compiler does not: which
// package may import which, what a pure package never does, no hidden global
// state, files of readable length, links that lead somewhere.
//
// The checks are data-driven: Rules says what holds for a tree, Rondo() is
// ours, and the package's own test runs them twice, on this repository, which
// must have no finding, and on testdata/broken, where every rule is broken
// and must be found.
//
// A finding that is right as it is can be excused in the code, with a reason:
//
//	//lint:sorted <why the order of this map cannot be seen>
//	//lint:global <why this variable is not hidden state>
package lint
