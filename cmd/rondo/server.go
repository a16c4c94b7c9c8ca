package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/engine"
)

func newServer(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run a node",
		Long: `Run a node. Every setting has a flag, a RONDO_ environment variable and a key
in the file that --config names; docs/configuration.md lists them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := conf.LoadSources(cmd.Flags(), "", p.env)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), l, p)
		},
	}
	bindSettings(cmd)
	return cmd
}

// serve runs a node until ctx ends, the node fails or a client shuts it down.
func serve(ctx context.Context, l conf.Loaded, p process) (err error) {
	cfg, err := l.Resolve(conf.Probe(l.Dir))
	if err != nil {
		return err
	}
	log, err := openLog(cfg, p.err)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()

	limitMemory(l, cfg, p.env)
	if files, known := openFiles(); known && files < uint64(cfg.MaxClients)+storeFiles {
		log.Warn("the limit of open files is too low for maxclients: some connections will be refused", "limit", files, "maxclients", cfg.MaxClients)
	}
	n, err := start(ctx, cfg, log, p.out)
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		log.Info("stopped", "reason", "signal")
		return nil // while the cluster was forming
	}
	if err != nil {
		return err
	}
	log.Info("ready", "version", version(), "clients", n.clients, "forward", n.forward, "admin", n.admin, "advertise", n.advertise,
		"dir", cfg.Dir, "durability", cfg.Durability, "replicas.configured", n.configured, "replicas.effective", n.replicas)
	if cfg.LogFormat == conf.LogText {
		_, _ = fmt.Fprint(p.out, welcome(n, cfg)) // a closed stdout is no reason not to serve
	}

	var reason error
	select {
	case <-ctx.Done():
		log.Info("stopping", "reason", "signal")
	case reason = <-n.ended:
		if gone := (*orderly)(nil); errors.As(reason, &gone) {
			if errors.Is(reason, errGone) {
				log.Info("stopping", "reason", reason)
				reason = nil
				break
			}
			log.Error("stopping", "reason", reason)
			break
		}
		if reason != nil {
			// Calls into a store that has failed may never return: what is
			// left to do is to be gone.
			log.Error("the store failed", "reason", reason)
			return reason
		}
		log.Info("stopping", "reason", "SHUTDOWN")
	}
	// The context that ended is the reason to stop; the stop has its own time.
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.ShutdownTimeout)
	defer cancel()
	if err := errors.Join(n.stop(stopCtx), reason); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// storeFiles is about how many files the store and the listeners keep open.
const storeFiles = 1100

// limitMemory sets the soft limit of the Go runtime, and below it has the garbage collected less often while little is alive. A GOMEMLIMIT in the
// environment stands unless memory.limit was set as well, and so does a GOGC.
func limitMemory(l conf.Loaded, cfg conf.Config, env []string) {
	set := func(name string) bool {
		return slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
	}
	if cfg.MemoryLimit <= 0 || l.Source("memory.limit") == "default" && set("GOMEMLIMIT") {
		return
	}
	debug.SetMemoryLimit(cfg.MemoryLimit)
	if !set("GOGC") {
		paceGC()
	}
}

// welcome tells a person at a terminal where the node is and what to try.
func welcome(n *node, cfg conf.Config) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %-10s %s\n", name, value)
		}
	}
	fmt.Fprintf(&b, "Rondo %s is ready.\n", version())
	line("clients", n.clients)
	if n.advertise != n.clients {
		line("", "told to clients as "+n.advertise)
	}
	line("forward", n.forward)
	if n.admin != "" {
		line("admin", "http://"+n.admin+"/metrics")
	}
	line("data", cfg.Dir+", durability "+string(cfg.Durability))
	cluster := ""
	if n.members != nil {
		d := n.members.chart.Load().doc
		if len(d.Members) > 1 {
			cluster = " -c"
			line("cluster", fmt.Sprintf("%s, epoch %d, %d nodes, %d copies of each key", cfg.ClusterName, d.Epoch, len(d.Members), n.replicas))
		} else {
			line("copies", "1: this node is alone; others join it with --join "+n.company.gossip.Address())
		}
	} else {
		line("copies", "1: this node is alone")
	}
	fmt.Fprintf(&b, "Try next: redis-cli%s%s set hello world\n", cluster, cliAddress(n.clients))
	return b.String()
}

// explain makes the text that an operator sees of an error that ends the
// process. Most errors speak for themselves.
func explain(err error) string {
	if known := explainStore(err); known != "" {
		return known
	}
	if errors.Is(err, os.ErrPermission) {
		return err.Error() + " (is the directory or file of another user?)"
	}
	return err.Error()
}

// explainStore takes the package's name off an error of the store: what
// follows is written for operators.
func explainStore(err error) string {
	for _, known := range []error{engine.ErrLocked, engine.ErrForeign, engine.ErrTruncatedLog, engine.ErrCorrupt, engine.ErrNewerFormat} {
		if errors.Is(err, known) {
			return strings.TrimPrefix(err.Error(), "engine: ")
		}
	}
	return ""
}
