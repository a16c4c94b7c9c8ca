package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rondokv/rondo/conf"
)

// devOptions are what rondo dev was told.
type devOptions struct {
	nodes, replicas int
	dir             string
	port            int // of the first node's clients; 0: any that are free
	json            bool
	args            []string // further ones of rondo server
}

const (
	maxDevNodes = 32
	devPort     = 7001
	// devPatience bounds how long the ring may take to form.
	devPatience = time.Minute
)

func newDev(p process) *cobra.Command {
	o := devOptions{nodes: 3, replicas: conf.Default().Replicas, port: devPort}
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a cluster on this machine, to try things",
		Long: `Run a cluster of several nodes on this machine: each a process of its own on
free ports of 127.0.0.1, so that one can be killed like a real one. It prints
where to connect and what to try; Ctrl-C stops all nodes.

With --dir the cluster is kept there, and goes on from there when it is started
again; without, its data is in a temporary directory and goes with it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.nodes < 1 || o.nodes > maxDevNodes {
				return fmt.Errorf("--nodes %d: expected 1 to %d", o.nodes, maxDevNodes)
			}
			return dev(cmd.Context(), o, cmd.Flags().Changed("nodes"), p)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.IntVar(&o.nodes, "nodes", o.nodes, "number of nodes")
	f.IntVar(&o.replicas, "replicas", o.replicas, "how many nodes keep each key")
	f.StringVar(&o.dir, "dir", "", "directory to keep the cluster in (default a temporary one)")
	f.IntVar(&o.port, "port", o.port, "client port of the first node, the others follow where ports are free; 0 takes any")
	f.BoolVar(&o.json, "json", false, "print the nodes' addresses as one line of JSON, for scripts")
	f.StringArrayVar(&o.args, "arg", nil, "further argument of every rondo server, such as --durability=always; may be given again")
	return cmd
}

// devCluster is a cluster of rondo dev, as it is kept in its directory and printed with --json.
type devCluster struct {
	Name     string    `json:"name"`
	Replicas int       `json:"replicas"`
	Dir      string    `json:"dir"`
	Nodes    []devNode `json:"nodes"`
}

type devNode struct {
	Number  int      `json:"node"`
	PID     int      `json:"pid"`
	Clients string   `json:"clients"`
	Forward string   `json:"forward"`
	Peer    string   `json:"peer"`
	Gossip  string   `json:"gossip"`
	Admin   string   `json:"admin"`
	Dir     string   `json:"dir"`
	Log     string   `json:"log"`
	Command []string `json:"command"` // starts it again
}

// devFile is the cluster's description in its directory.
const devFile = "cluster.json"

// dev runs a cluster until ctx ends.
func dev(ctx context.Context, o devOptions, nodesGiven bool, p process) (err error) {
	runtime.LockOSThread() // see detach
	defer runtime.UnlockOSThread()
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "rondo-dev-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	}
	c, err := openDev(ctx, o, nodesGiven)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	c.commands(self, o.args)
	if !o.json {
		_, _ = fmt.Fprintf(p.out, "Starting the nodes, %d of them ...\n", len(c.Nodes)) // a closed stdout is no reason to stop
	}
	pack, err := launch(c)
	if err != nil {
		return errors.Join(err, pack.stop())
	}
	if err := c.formed(ctx, pack); err != nil {
		return errors.Join(err, pack.stop())
	}
	if err := c.announce(p.out, o.json); err != nil {
		return errors.Join(err, pack.stop())
	}
	pack.follow(ctx, p.in, p.err)
	if !o.json {
		_, _ = fmt.Fprintln(p.out, "Stopping ...")
	}
	return pack.stop()
}

// openDev reads the cluster of a directory, or lays out a new one.
func openDev(ctx context.Context, o devOptions, nodesGiven bool) (*devCluster, error) {
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, devFile)
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		c, err := layoutDev(ctx, o, dir)
		if err != nil {
			return nil, err
		}
		return c, c.save(file)
	}
	if err != nil {
		return nil, err
	}
	c := new(devCluster)
	if err := json.Unmarshal(b, c); err != nil || len(c.Nodes) == 0 {
		return nil, fmt.Errorf("%s is not a description of a cluster of rondo dev: %w", file, err)
	}
	if nodesGiven && len(c.Nodes) != o.nodes {
		return nil, fmt.Errorf("%s holds a cluster of %d nodes, not %d: give --dir a new directory", dir, len(c.Nodes), o.nodes)
	}
	for _, n := range c.Nodes {
		if !allFree(ctx, n.addresses()...) {
			return nil, fmt.Errorf("a port of node %d of the cluster in %s is in use (one of %s): is the cluster running already?", n.Number, dir, strings.Join(n.addresses(), ", "))
		}
	}
	return c, nil
}

func (c *devCluster) save(file string) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// layoutDev finds ports for a new cluster.
func layoutDev(ctx context.Context, o devOptions, dir string) (*devCluster, error) {
	c := &devCluster{Name: "dev-" + strings.ToLower(randomText()), Replicas: o.replicas, Dir: dir}
	taken := map[string]bool{}
	for port := o.port; len(c.Nodes) < o.nodes; port++ {
		n := devNode{Number: len(c.Nodes) + 1}
		if o.port == 0 {
			if err := n.anyPorts(ctx, taken); err != nil {
				return nil, err
			}
		} else {
			cfg := conf.Default()
			cfg.Listen = net.JoinHostPort("127.0.0.1", fmt.Sprint(port))
			cfg, err := cfg.Resolve(conf.Machine{})
			if err != nil {
				return nil, fmt.Errorf("no free ports for %d nodes from --port %d on: %w", o.nodes, o.port, err)
			}
			n.Clients, n.Forward, n.Peer, n.Gossip, n.Admin = cfg.Listen, cfg.Forward, cfg.Peer, cfg.Gossip, cfg.Admin
			if !allFree(ctx, n.addresses()...) {
				continue
			}
		}
		n.Dir = filepath.Join(dir, fmt.Sprintf("node%d", n.Number))
		n.Log = n.Dir + ".log"
		c.Nodes = append(c.Nodes, n)
	}
	return c, nil
}

// anyPorts takes ports that are free now. Nothing keeps others from taking them before the node does; it says so then.
func (n *devNode) anyPorts(ctx context.Context, taken map[string]bool) error {
	var open []net.Listener
	defer func() {
		for _, ln := range open {
			_ = ln.Close() // it was open for a moment only
		}
	}()
	for _, out := range []*string{&n.Clients, &n.Forward, &n.Peer, &n.Gossip, &n.Admin} {
		for *out == "" {
			var lc net.ListenConfig
			ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			open = append(open, ln)
			if addr := ln.Addr().String(); !taken[addr] {
				*out, taken[addr] = addr, true
			}
		}
	}
	return nil
}

func (n *devNode) addresses() []string {
	return []string{n.Clients, n.Forward, n.Peer, n.Gossip, n.Admin}
}

// commands makes each node's command line. Together the nodes take of the machine what one alone would.
func (c *devCluster) commands(self string, args []string) {
	var founders []string
	for _, n := range c.Nodes {
		founders = append(founders, n.Gossip)
	}
	share := conf.Default()
	if resolved, err := share.Resolve(conf.Probe(c.Dir)); err == nil {
		share = resolved
	}
	part := func(whole, least int64) string {
		return conf.FormatSize(max(whole/int64(len(c.Nodes))>>20, least) << 20)
	}
	for i := range c.Nodes {
		n := &c.Nodes[i]
		n.Command = append([]string{self, "server",
			"--dir", n.Dir, "--listen", n.Clients, "--forward", n.Forward, "--peer", n.Peer, "--gossip", n.Gossip, "--admin", n.Admin,
			"--cluster.name", c.Name, "--founders", strings.Join(founders, ","), "--replicas", fmt.Sprint(c.Replicas),
			"--memory.limit", part(share.MemoryLimit, 64), "--cache.rows", part(share.CacheRows, 8), "--cache.blocks", part(share.CacheBlocks, 8),
		}, args...)
	}
}

// formed waits until every node serves.
func (c *devCluster) formed(ctx context.Context, pack *pack) error {
	ctx, cancel := context.WithTimeout(ctx, devPatience)
	defer cancel()
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for i := range c.Nodes {
		for _, err := askNode(ctx, c.Nodes[i].Admin, "/readyz"); err != nil; _, err = askNode(ctx, c.Nodes[i].Admin, "/readyz") {
			select {
			case <-ctx.Done():
				return fmt.Errorf("the cluster is not formed: node %d: %w; see %s", i+1, err, c.Nodes[i].Log)
			case end := <-pack.ends:
				pack.running[end.at] = nil
				return fmt.Errorf("node %d ended: %s", end.at+1, lastLine(c.Nodes[end.at].Log))
			case <-t.C:
			}
		}
	}
	return nil
}

// announce says where to connect and what to try.
func (c *devCluster) announce(w io.Writer, asJSON bool) error {
	if asJSON {
		b, err := json.Marshal(c)
		if err == nil {
			_, err = fmt.Fprintf(w, "%s\n", b)
		}
		return err
	}
	var plain, cluster []string
	for _, n := range c.Nodes {
		plain, cluster = append(plain, n.Forward), append(cluster, n.Clients)
	}
	first, last := c.Nodes[0], c.Nodes[len(c.Nodes)-1]
	port := func(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }
	var b strings.Builder
	fmt.Fprintf(&b, "The cluster is ready: %d nodes, %d copies of each key. Data and logs are in %s\n\n", len(c.Nodes), min(c.Replicas, len(c.Nodes)), c.Dir)
	fmt.Fprintf(&b, "plain clients: %s · cluster clients: %s\n\n", strings.Join(plain, ","), strings.Join(cluster, ","))
	fmt.Fprintf(&b, "Try, in another terminal:\n")
	fmt.Fprintf(&b, "  redis-cli -c -p %s set hello world                  # follows MOVED to the owner\n", port(first.Clients))
	fmt.Fprintf(&b, "  redis-cli -p %s get hello                           # any node takes any key on its forward face\n", port(last.Forward))
	fmt.Fprintf(&b, "  kill -9 %-8d                                      # node %d; the others go on\n", last.PID, last.Number)
	fmt.Fprintf(&b, "  redis-cli -p %s AT ALL SET hello again              # needs every copy: refused by name while one is dead\n", port(first.Forward))
	fmt.Fprintf(&b, "  rondo admin node list --addr %s        # and: rondo admin ring status\n", first.Admin)
	fmt.Fprintf(&b, "Enter starts again what was killed, Ctrl-C stops all nodes.\n")
	_, err := io.WriteString(w, b.String())
	return err
}
