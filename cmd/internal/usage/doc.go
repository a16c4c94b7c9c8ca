// Package usage measures what a node takes of its machine: processors, disk and operations, for the advice on the size of the ring,
// and the load that gossip tells.
//
// Invariant: a Meter remembers Window at most, in a bounded number of samples; until it has two it tells of no load.
package usage
