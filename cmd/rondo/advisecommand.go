package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rondokv/rondo/cmd/internal/advise"
)

// Exit statuses of rondo admin advise, beside 0 to keep the nodes and 1 after an error.
const (
	exitAdd    = 10
	exitRemove = 11
)

// exitStatus ends the process with a status that is an answer, not a failure.
type exitStatus int

// Error implements error.
func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func newAdvise() *cobra.Command {
	addr, asJSON, l := "127.0.0.1:18379", false, advise.DefaultLimits()
	cmd := &cobra.Command{
		Use:   "advise",
		Short: "Say whether the ring needs nodes or can spare some, and why",
		Long: `Say whether the ring needs nodes or can spare some: which weight, in which
datacenter and rack; which ones are best to go; and why, in words and figures.

The asked node asks all members for their disks, processors and operations of the
last five minutes. Nodes are missing when there are fewer than copies, or when
the loss of one node, or of one rack, would take another one's disk or processors
above its limit. Nodes can be spared when even without them, and after such a
loss, all stay below the lower limits. While the ring changes there is no advice.

Exit status: 0 keep the nodes, 10 add some, 11 remove some, 1 after an error.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := l.Check(); err != nil {
				return err
			}
			body, err := askNode(cmd.Context(), addr, "/admin/advise")
			if err != nil {
				return err
			}
			var p advicePage
			if err := json.Unmarshal(body, &p); err != nil {
				return fmt.Errorf("read the answer: %w", err)
			}
			p.Limits, p.Advice = l, advise.Give(p.Facts, l)
			if err := showAdvice(cmd.OutOrStdout(), p, asJSON); err != nil {
				return err
			}
			return adviceStatus(&p.Advice)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&addr, "addr", addr, "host:port of the node's admin HTTP")
	f.BoolVar(&asJSON, "json", false, "print advice, limits and facts as JSON")
	f.Float64Var(&l.Disk, "disk-limit", l.Disk, "share of its room that a node may use after the loss of a node or rack")
	f.Float64Var(&l.CPU, "cpu-limit", l.CPU, "share of its processors that a node may use after such a loss")
	f.Float64Var(&l.DiskLow, "disk-low", l.DiskLow, "nodes may go if disks stay below this without them")
	f.Float64Var(&l.CPULow, "cpu-low", l.CPULow, "nodes may go if processors stay below this without them, in their busiest ten seconds")
	f.IntVar(&l.MinNodes, "min-nodes", 0, "never advise fewer nodes (default as many as copies)")
	f.IntVar(&l.MaxNodes, "max-nodes", 0, "never advise more nodes (default no bound)")
	return cmd
}

// adviceStatus is the exit status of an advice.
func adviceStatus(a *advise.Advice) error {
	switch a.Action {
	case advise.Add:
		return exitStatus(exitAdd)
	case advise.Remove:
		return exitStatus(exitRemove)
	}
	return nil
}

func showAdvice(w io.Writer, p advicePage, asJSON bool) error {
	if asJSON {
		b, err := json.MarshalIndent(p, "", "  ")
		if err == nil {
			_, err = fmt.Fprintf(w, "%s\n", b)
		}
		return err
	}
	var b strings.Builder
	p.Advice.Write(&b)
	if err := p.Facts.Write(&b); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}
