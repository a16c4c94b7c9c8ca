package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// system is several server processes that hold the same keys between them: a Rondo cluster, or a Redis primary with its
// replicas. What an operation costs is what all of them spend.
type system struct {
	name    string
	version string
	nodes   []systemNode
	entry   string // address to ask, and all load where there are no slots
	levels  bool   // connections take CONSISTENCY
	slotted bool   // the load goes by CLUSTER SLOTS
	stop    func() error
}

// systemNode is one process of a system.
type systemNode struct {
	addr  string
	pid   int
	dir   string // its data
	admin string // where its CPU profile is to be had; empty = nowhere
}

// end stops all processes and removes their data. Their logs stay, for the caller to keep or remove.
func (s *system) end() error {
	err := s.stop()
	for _, n := range s.nodes {
		err = errors.Join(err, os.RemoveAll(n.dir))
	}
	return err
}

// cpu is the CPU time of all processes together.
func (s *system) cpu() (cpuTimes, error) {
	var sum cpuTimes
	for _, n := range s.nodes {
		c, err := processCPU(n.pid)
		if err != nil {
			return sum, err
		}
		sum.user, sum.system, sum.total = sum.user+c.user, sum.system+c.system, sum.total+c.total
	}
	return sum, nil
}

// calls is how often all processes together have called the kernel to read or write.
func (s *system) calls() (int64, error) {
	var sum int64
	for _, n := range s.nodes {
		c, err := processCalls(n.pid)
		if err != nil {
			return sum, err
		}
		sum += c
	}
	return sum, nil
}

// devCluster is what rondo dev --json prints, as far as it is needed here.
type devCluster struct {
	Nodes []struct {
		PID     int    `json:"pid"`
		Clients string `json:"clients"`
		Admin   string `json:"admin"`
		Dir     string `json:"dir"`
	} `json:"nodes"`
}

// parseDev reads the line that rondo dev --json prints when the cluster is formed.
func parseDev(line []byte) ([]systemNode, error) {
	var c devCluster
	if err := json.Unmarshal(line, &c); err != nil {
		return nil, fmt.Errorf("what rondo dev printed is no description of a cluster: %w: %.80q", err, line)
	}
	var nodes []systemNode
	for i, n := range c.Nodes {
		if n.PID <= 0 || n.Clients == "" || n.Dir == "" {
			return nil, fmt.Errorf("rondo dev does not say process, address and directory of node %d", i+1)
		}
		nodes = append(nodes, systemNode{addr: n.Clients, pid: n.PID, dir: n.Dir, admin: n.Admin})
	}
	if len(nodes) == 0 {
		return nil, errors.New("rondo dev started no nodes")
	}
	return nodes, nil
}

// startRondo starts a cluster with rondo dev: the program's own servers, as a user would run them.
func startRondo(ctx context.Context, o ClusterOptions, name, program, dir string) (*system, error) {
	path, err := absolute(program)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return nil, err
	}
	args := []string{
		"dev", "--nodes", strconv.Itoa(o.Nodes), "--replicas", strconv.Itoa(min(o.Nodes, 3)), "--json", "--port", "0",
		"--dir", filepath.Join(dir, "data"), "--arg=--log.level=warn",
	}
	for _, a := range o.RondoArgs {
		args = append(args, "--arg="+a)
	}
	log, err := os.Create(filepath.Join(dir, "dev.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the child has its own descriptor
	cmd := exec.Command(path, args...)
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = startPinned(cmd, -1)
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	s := &system{name: name, levels: true, slotted: true}
	s.stop = func() error { return endChild(name, cmd) }
	said := make(chan []byte, 1)
	go func() { // it ends with the line, or with the process
		line, _ := bufio.NewReader(out).ReadBytes('\n') // what is no line is no description either
		said <- line
	}()
	select {
	case line := <-said:
		s.nodes, err = parseDev(line)
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(o.StartTimeout):
		err = fmt.Errorf("the cluster is not formed after %s", o.StartTimeout)
	}
	if err != nil {
		tail, _ := os.ReadFile(log.Name()) // the error is worth more than its trimmings
		return nil, errors.Join(fmt.Errorf("%w; it said: %s", err, tail[max(0, len(tail)-logTail):]), s.end())
	}
	s.entry = s.nodes[0].addr
	s.version = (&process{addr: s.entry}).version()
	return s, nil
}

// endChild ends a child that was not waited for: SIGTERM, then SIGKILL.
func endChild(name string, cmd *exec.Cmd) error {
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t := time.NewTimer(stopGrace)
	defer t.Stop()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("stop %s: %w", name, err)
		}
		return nil
	case <-t.C:
	}
	_ = cmd.Process.Kill()
	<-done
	return fmt.Errorf("%s did not stop within %s of SIGTERM", name, stopGrace)
}

// startReplicated starts a primary and o.Nodes-1 replicas of it, each with an append-only file that is synced every second.
func startReplicated(ctx context.Context, o ClusterOptions, name, dir string) (_ *system, err error) {
	s := &system{name: name}
	var all []*process
	s.stop = func() error {
		var errs []error
		for _, p := range all {
			errs = append(errs, p.stop())
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.end())
		}
	}()
	for i := range o.Nodes {
		var extra []string
		if i > 0 {
			host, port, _ := strings.Cut(all[0].addr, ":") // ours: it has a port
			extra = []string{"--replicaof", host, port, "--repl-diskless-sync-delay", "0"}
		}
		data := filepath.Join(dir, strconv.Itoa(i+1))
		if err := os.MkdirAll(data, 0o755); err != nil {
			return nil, err
		}
		p, err := startServer(ctx, RedisServer(name, o.Redis, extra...), startOptions{
			dir: data, logPath: data + ".log", core: -1, timeout: o.StartTimeout,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, p)
		s.nodes = append(s.nodes, systemNode{addr: p.addr, pid: p.pid(), dir: data})
	}
	s.entry, s.version = all[0].addr, all[0].version()
	return s, awaitReplicas(ctx, all[0], o.Nodes-1, o.StartTimeout)
}

// awaitReplicas polls until so many replicas follow the primary.
func awaitReplicas(ctx context.Context, primary *process, count int, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		info, err := primary.ask("INFO replication")
		if err == nil && strings.Count(info, "state=online") >= count {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the %d replicas do not follow: %w", count, ctx.Err()), err)
		case <-tick.C:
		}
	}
}
