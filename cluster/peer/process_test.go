package peer

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// answererEnv makes the test binary the other end of BenchmarkTwoProcesses; it holds the address of the asker.
const answererEnv = "RONDO_PEER_ANSWERER"

func TestMain(m *testing.M) {
	if asker := os.Getenv(answererEnv); asker != "" {
		if err := answer(asker); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// answer is the process of node 2: it prints its address and ends with its input.
func answer(asker string) error {
	l, err := dialableListener()
	if err != nil {
		return err
	}
	server := &answerer{nodeStub: nodeStub{up: make(chan struct{})}, row: benchRow(), ready: make(chan struct{})}
	links, err := New(Options{Self: 2, Incarnation: 1, Listener: l, Handler: server})
	if err != nil {
		return err
	}
	server.links = links
	close(server.ready)
	links.SetPeers([]Peer{{ID: 1, Addr: asker}})
	fmt.Println(l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return links.Close()
}

// BenchmarkTwoProcesses is BenchmarkRoundTrip with a process for each end: CPU of both together.
func BenchmarkTwoProcesses(b *testing.B) {
	for _, flight := range []int{1, 50, 500} {
		b.Run(fmt.Sprintf("flight=%d", flight), func(b *testing.B) { benchmarkTwoProcesses(b, flight) })
	}
}

func benchmarkTwoProcesses(b *testing.B, flight int) {
	l := listen(b)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), answererEnv+"="+l.Addr().String())
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	client := newAsker(flight)
	links := start(b, Options{Self: 1, Incarnation: 1, Listener: l, Handler: client})
	links.SetPeers([]Peer{{ID: object.NodeID(2), Addr: strings.TrimSpace(addr)}})
	<-client.up

	b.ResetTimer()
	was := cpu(b, syscall.RUSAGE_SELF)
	n := client.flood(b, links, flight)
	used := cpu(b, syscall.RUSAGE_SELF) - was
	b.StopTimer()
	_ = in.Close()
	if err := child.Wait(); err != nil {
		b.Fatal(err)
	}
	// The other process's start and end are counted, too: some milliseconds.
	used += child.ProcessState.UserTime() + child.ProcessState.SystemTime()
	b.ReportMetric(float64(used.Nanoseconds())/1e3/float64(n), "cpu-us/rt")
}

func cpu(b *testing.B, who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// flood makes b.N round trips or a few more, flight at a time, and returns how many.
func (a *asker) flood(b *testing.B, links *Links, flight int) int {
	var all sync.WaitGroup
	n := (b.N + flight - 1) / flight
	for id := range flight {
		all.Go(func() { a.ask(b, links, uint64(id), n) })
	}
	all.Wait()
	return n * flight
}
