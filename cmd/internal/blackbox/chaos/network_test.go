//go:build blackbox

package chaos

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// apartVariable tells the test that it runs in a network namespace of its own.
const apartVariable = "CHAOS_APART"

// moveApart runs this test binary again in a network namespace of its own, where
// that is possible, and returns its exit code. The nodes are built before, since
// the way to the modules stays behind.
func moveApart() (code int, moved bool) {
	if os.Getenv(apartVariable) != "" || !canMoveApart() {
		return 0, false
	}
	env := append(os.Environ(), apartVariable+"=1")
	for variable, flags := range map[string][]string{"RONDO_BIN": nil, offsetBinary: {"-tags", "clockoffset"}} {
		if os.Getenv(variable) != "" {
			continue
		}
		dir, err := os.MkdirTemp("", "rondo-bin-")
		if err != nil {
			return complain(err), true
		}
		defer func() { _ = os.RemoveAll(dir) }() // a left-over is no failure of the tests
		binary, err := harness.Build(dir, flags...)
		if err != nil {
			return complain(err), true
		}
		env = append(env, variable+"="+binary)
	}
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return complain(err), true
	}
	return cmd.ProcessState.ExitCode(), true
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "FAIL:", err)
	return 1
}

// canMoveApart tries in a namespace what the test will need there.
func canMoveApart() bool {
	probe := exec.Command("sh", "-ec", `ip link add probe0 type veth peer name probe1
ip rule add pref 100 from 10.0.0.1 to 10.0.0.2 blackhole
ip rule add pref 99 from 10.0.0.1 to 10.0.0.2 ipproto tcp dport 1 lookup 99
echo 1 >/proc/sys/net/ipv4/ip_forward
mount -t tmpfs -o size=1m none /mnt
nsenter --version`)
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Unshareflags: syscall.CLONE_NEWNS}
	return os.Getuid() == 0 && probe.Run() == nil
}

// network gives every node a host of its own, where that is possible.
type network struct {
	t     *testing.T
	apart bool
	hosts []string // addresses, by node
	in    []string // process that holds the namespace, by node
}

func newNetwork(t *testing.T, nodes int) *network {
	n := &network{t: t, apart: os.Getenv(apartVariable) != "", hosts: make([]string, nodes), in: make([]string, nodes)}
	if !n.apart {
		for i := range n.hosts {
			n.hosts[i] = "127.0.0.1"
		}
		return n
	}
	n.ip("link", "set", "lo", "up")
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	for i := range n.hosts {
		n.addHost(i)
	}
	return n
}

// addHost makes a namespace that lives as long as a process that waits in it.
func (n *network) addHost(i int) {
	holder := exec.Command("cat")
	holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	stdin, err := holder.StdinPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _, _ = stdin.Close(), holder.Wait() }) // cat ends with its input
	n.in[i], n.hosts[i] = strconv.Itoa(holder.Process.Pid), n.address(i, 2)
	outside := fmt.Sprintf("n%d", i+1)
	n.ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", n.in[i])
	n.ip("addr", "add", n.address(i, 1)+"/24", "dev", outside)
	n.ip("link", "set", outside, "up")
	n.t.Cleanup(func() { n.ip("link", "del", outside) })
	for _, args := range [][]string{
		{"link", "set", "lo", "up"}, {"addr", "add", n.hosts[i] + "/24", "dev", "eth0"},
		{"link", "set", "eth0", "up"}, {"route", "add", "default", "via", n.address(i, 1)},
	} {
		n.run(append([]string{"nsenter", "--net=/proc/" + n.in[i] + "/ns/net", "ip"}, args...)...)
	}
}

func (n *network) address(host, end int) string { return fmt.Sprintf("10.77.%d.%d", host+1, end) }

// wrapper is the command that runs another one on a node's host.
func (n *network) wrapper(i int) []string {
	if !n.apart {
		return nil
	}
	return []string{"nsenter", "--net=/proc/" + n.in[i] + "/ns/net", "--"}
}

// A node's disk is a small file system in memory. It is mounted where only the
// test and its children see it, so it ends with them, too.
const (
	diskBytes = 512 << 20
	// what a node wants to be free
	reserve      = "64mb"
	reserveBytes = 64 << 20
)

// disk makes one at a path.
func (n *network) disk(path string) {
	if !n.apart {
		return
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		n.t.Fatal(err)
	}
	if err := syscall.Mount("none", path, "tmpfs", 0, fmt.Sprintf("size=%d", diskBytes)); err != nil {
		n.t.Fatalf("mount a disk at %s: %v", path, err)
	}
	n.t.Cleanup(func() { _ = syscall.Unmount(path, syscall.MNT_DETACH) }) // it is gone with the test anyway
}

// cutPreference is where the rules of cuts stand: before those that route.
const cutPreference = "100"

// cut drops, silently, what one node sends to another.
func (n *network) cut(from, to int) {
	n.ip("rule", "add", "pref", cutPreference, "from", n.hosts[from], "to", n.hosts[to], "blackhole")
}

// mend takes the cut away.
func (n *network) mend(from, to int) {
	n.ip("rule", "del", "pref", cutPreference, "from", n.hosts[from], "to", n.hosts[to], "blackhole")
}

func (n *network) ip(args ...string) { n.run(append([]string{"ip"}, args...)...) }

func (n *network) run(argv ...string) {
	n.t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		n.t.Errorf("%v: %v\n%s", argv, err, out)
	}
}
