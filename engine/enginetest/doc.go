// Package enginetest is the conformance suite of stores of rows: what cluster may rely on, whichever store is below it.
//
//	func TestConformance(t *testing.T) {
//		enginetest.Run(t, func(t *testing.T) *enginetest.Harness { ... })
//	}
//
// The suite checks, against a plain map where that says more than a table: get, apply, scan and drop; atomicity of a batch;
// visibility at the return of Apply, before Wait; durability after Wait across a reopening and, where the harness can
// crash, across a crash that loses what was not synced; the order of what a crash keeps; concurrent use; large rows.
package enginetest
