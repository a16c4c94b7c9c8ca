package harness

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// Options say how a Rondo node is started. The zero value is a node with the
// defaults of the product in a directory of its own.
type Options struct {
	Dir        string   // "": a new one, removed at the end
	Port       int      // 0: a free one, the others follow from it
	Durability string   // "": the product's default
	Flags      []string // more flags of rondo server
	Env        []string // more environment, "NAME=value"
	Wrapper    []string // a command that runs the server, such as taskset -c 0
	Binary     string   // "": the one that Main built
}

// Node is a Rondo server of this test.
type Node struct {
	Clients string // host:port of the cluster face
	Forward string // host:port of the forward face
	Admin   string // host:port of the admin HTTP server
	Gossip  string // host:port of gossip, of a node of a Ring
	Dir     string
	Log     string // file with what the server wrote

	t       testing.TB
	opts    Options
	port    int
	running *process
}

// StartRondo starts a node and waits until it answers. The node ends with the
// test.
func StartRondo(t testing.TB, o Options) *Node {
	t.Helper()
	if o.Binary == "" {
		o.Binary = binary(t)
	}
	place := newPlace(t, "rondo")
	n := &Node{t: t, opts: o, Dir: o.Dir, Log: place.log}
	if n.Dir == "" {
		n.Dir = filepath.Join(place.dir, "data")
	}
	t.Cleanup(n.end)
	for attempt := 1; ; attempt++ {
		if n.port = o.Port; n.port == 0 {
			n.port = mustPort(t)
		}
		err := n.launch()
		if err == nil {
			return n
		}
		if o.Port != 0 || attempt == 5 || !portTaken(n.Log) {
			t.Fatalf("rondo server: %v\n%s", err, logTail(n.Log))
		}
	}
}

// binary is the one that Main built.
func binary(t testing.TB) string {
	t.Helper()
	path := os.Getenv(binaryVariable)
	if path == "" {
		t.Fatal("no rondo binary: the package needs a TestMain that calls harness.Main")
	}
	return path
}

func (n *Node) launch() error {
	if err := n.begin(); err != nil {
		return err
	}
	if err := n.await(); err != nil {
		n.running.kill()
		return err
	}
	return nil
}

// begin starts the process.
func (n *Node) begin() error {
	n.Clients, n.Forward, n.Admin = loopback(n.port), loopback(n.port+1000), loopback(n.port+12000)
	argv := append([]string{}, n.opts.Wrapper...)
	argv = append(argv, n.opts.Binary, "server", "--dir", n.Dir,
		"--listen", n.Clients, "--forward", n.Forward, "--admin", n.Admin)
	if n.opts.Durability != "" {
		argv = append(argv, "--durability", n.opts.Durability)
	}
	p, err := startProcess(n.Log, n.opts.Env, append(argv, n.opts.Flags...)...)
	if err != nil {
		return err
	}
	n.running = p
	return nil
}

// await waits until the process answers on both faces.
func (n *Node) await() error {
	return n.running.await("answer to PING", func() bool { return answersPing(n.Clients) && answersPing(n.Forward) })
}

// Await waits until a node that was only begun, as Join does, answers on both faces.
func (n *Node) Await() {
	n.t.Helper()
	if err := n.await(); err != nil {
		n.t.Fatalf("rondo server: %v\n%s", err, logTail(n.Log))
	}
}

// Start runs the node again after Stop or Kill: same directory, same ports.
func (n *Node) Start() {
	n.t.Helper()
	if err := n.TryStart(); err != nil {
		n.t.Fatalf("rondo server: %v\n%s", err, logTail(n.Log))
	}
}

// TryStart is Start for a test that expects the node to refuse; what it said
// is at the end of the file n.Log.
func (n *Node) TryStart() error {
	if n.Running() {
		n.t.Fatal("the node runs already")
	}
	return n.launch()
}

// Stop asks the node to end (SIGTERM) and fails the test unless it exits 0.
func (n *Node) Stop() {
	n.t.Helper()
	if err := n.running.stop(); err != nil {
		n.t.Errorf("rondo server after SIGTERM: %v\n%s", err, logTail(n.Log))
	}
}

// Kill ends the node at once (SIGKILL) and waits until it is gone.
func (n *Node) Kill() { n.running.kill() }

// Signal sends a signal to the node, SIGSTOP for instance.
func (n *Node) Signal(s os.Signal) {
	n.t.Helper()
	if err := n.running.cmd.Process.Signal(s); err != nil {
		n.t.Fatal(err)
	}
}

// Exited is closed once the process that runs now has ended.
func (n *Node) Exited() <-chan struct{} { return n.running.done }

// Running says whether the node's process has not ended.
func (n *Node) Running() bool { return n.running != nil && !n.running.exited() }

// PID is the process id of the node, or of its wrapper.
func (n *Node) PID() int { return n.running.cmd.Process.Pid }

// LogTail is the end of what the node wrote.
func (n *Node) LogTail() string { return logTail(n.Log) }

func (n *Node) end() {
	if n.Running() {
		n.running.kill()
	}
	if n.t.Failed() {
		n.t.Logf("rondo at %s ended its log with:\n%s", n.Clients, logTail(n.Log))
	}
}

// HostPort splits an address of a Node or a Redis.
func HostPort(t testing.TB, addr string) (host string, port int) {
	t.Helper()
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	if port, err = strconv.Atoi(text); err != nil {
		t.Fatal(err)
	}
	return host, port
}
