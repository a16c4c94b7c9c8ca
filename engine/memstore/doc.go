// Package memstore is a store of rows in memory that loses what was not synced: the engine's twin for tests and for the
// simulator.
//
// It has no goroutine, no clock and no randomness of its own. Apply is visible at once; Wait of a Commit, or Sync, makes
// durable that batch and all before it. Crash returns the store as it would be found afterwards: the durable batches and a
// prefix, chosen by the caller's bits, of those behind them, in their order. Batches are never torn.
package memstore
