// Package harness runs real servers for black-box tests: Rondo as it is built
// from this tree, and redis-server to compare with.
//
// A test package has a TestMain that hands over to Main, which builds the
// binary once:
//
//	func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
//
//	func TestSomething(t *testing.T) {
//		node := harness.StartRondo(t, harness.Options{Durability: "always"})
//		c := harness.Dial(t, node.Clients)
//		reply := c.Do("SET", "k", "v") // "+OK\r\n": raw bytes
//		node.Kill()                    // SIGKILL, reaped
//		node.Start()                   // same directory, same ports
//	}
//
// StartRing starts several nodes with one list of founders. Ring.Join starts one that waits to be admitted to their ring; Node.Run is
// rondo admin at a node, Node.Page and Node.Metric what its admin HTTP shows, Node.CPU what it has had of processors.
//
// A server listens on loopback, on a port found free together with the ports
// derived from it; it is ready when a Start function returns, is stopped by
// its process id when the test ends, and dies with the test process. Its
// directory and its output are removed unless the test failed; then the test's
// log names them.
//
// RONDO_BIN names a binary to test in place of one built from the tree.
package harness
