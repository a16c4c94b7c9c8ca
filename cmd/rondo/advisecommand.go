package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
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
	addr, asJSON, l := "127.0.0.1:18379", false, defaultLimits()
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
			if err := l.check(); err != nil {
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
			p.Limits, p.Advice = l, advise(p.Facts, l)
			if err := showAdvice(cmd.OutOrStdout(), p, asJSON); err != nil {
				return err
			}
			return p.Advice.exit()
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

func (a *advice) exit() error {
	switch a.Action {
	case adviseAdd:
		return exitStatus(exitAdd)
	case adviseRemove:
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
	p.Advice.write(&b)
	if err := p.Facts.write(&b); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a *advice) write(b *strings.Builder) {
	switch a.Action {
	case adviseAdd:
		for _, x := range a.Add {
			fmt.Fprintf(b, "add %s of weight %d%s\n", plural(x.Nodes, "node", "nodes"), x.Weight, x.where())
		}
	case adviseRemove:
		for _, x := range a.Remove {
			fmt.Fprintf(b, "remove node %s (%s)\n", x.ID, orDash(x.Client))
		}
	default:
		fmt.Fprintf(b, "keep the nodes as they are\n")
	}
	for _, r := range a.Reasons {
		fmt.Fprintf(b, "  %s: %s\n", r.Code, r.Text)
	}
}

func (x *adviceAdd) where() string {
	text := ""
	if x.DC != "" {
		text = " in datacenter " + x.DC
	}
	switch {
	case x.NewRack:
		text += ", in a rack of its own"
	case x.Rack != "":
		text += ", in rack " + x.Rack
	}
	return text
}

// write is the figures of all members.
func (f *adviceFacts) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "NODE\tCLIENTS\tALIVE\tRACK\tDC\tWEIGHT\tSHARE\tDISK\tFREE\tKEYS\tCPU\tPEAK\tOPS/S\tOVER") // Flush tells of errors
	for i := range f.Members {
		m := &f.Members[i]
		alive := "yes"
		if !m.Alive {
			alive = "NO"
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t", m.ID, orDash(m.Client), alive, orDash(m.Rack), orDash(m.DC), m.Weight, percent(m.Share))
		if !m.known() {
			_, _ = fmt.Fprint(t, "?\t?\t?\t?\t?\t?\t?\n")
			continue
		}
		free := "?"
		if m.FreeBytes > 0 {
			free = bytesText(float64(m.FreeBytes))
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t", bytesText(float64(m.DiskBytes)), free, m.Keys)
		if m.WindowMillis == 0 {
			_, _ = fmt.Fprint(t, "?\t?\t?\t-\n")
			continue
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%.0f\t%s\n", percent(float64(m.BusyMille)/1000), percent(float64(m.PeakMille)/1000),
			float64(m.Operations)/(time.Duration(m.WindowMillis)*time.Millisecond).Seconds(), millisText(m.WindowMillis))
	}
	return t.Flush()
}
