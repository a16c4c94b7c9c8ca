// Package hostile meets a node with clients that misbehave, while others behave
// and must not notice.
//
// Each scenario runs against one node whose limits are set low, beside a
// Witness: a few polite connections that PING, GET and SET all the time and may
// not see one error. After each scenario its connections must be gone from
// INFO, and at the end the process must be the one that was started, with as
// many goroutines as before. Memory is bounded by assertion, and printed: the
// kernel's high-water mark of the process is reset before each scenario.
// Latencies are printed only.
//
//	HOSTILE_CONNECTIONS   idle connections (10000; 1000 with -short)
//	HOSTILE_BYTES         how much a flood sends at most (1 GB; 128 MB with -short)
package hostile
