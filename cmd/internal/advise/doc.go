// Package advise says whether a ring needs nodes or can spare some, which ones, and why: what rondo admin advise prints and
// /metrics tells autoscalers.
//
//	Facts ──┐
//	        ├──> Give ──> Advice: keep, add where, remove whom; reasons
//	Limits ─┘
//
// Invariant: the same facts and limits give the same advice. Nothing here asks a node, looks at a clock or remembers what it said
// before; whoever runs a node gathers the facts.
//
// Invariant: an advice that was followed is not taken back by the next, with the same data and load (but for a node in a better
// place for one in a worse).
//
//	advise.go   what may be advised, and in which order that is looked for
//	project.go  what the loss of a node or rack would leave the others with
//	spread.go   how copies spread over weights and racks; an estimate, not cluster/ring's own placement
//	words.go    warnings, and figures as people read them
//	table.go    the advice and the facts as text
package advise
