package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/engine"
)

// defaultAdmin is the admin HTTP of a node with default addresses.
const defaultAdmin = "127.0.0.1:18379"

// adminTimeout bounds a question to a node.
const adminTimeout = 5 * time.Second

func newAdmin(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "admin",
		Short: "Look at a running node and its ring, and change the ring",
		Args:  knownCommand,
		RunE:  helpAndFail,
	}
	node := &cobra.Command{Use: "node", Short: "Nodes, as one of them sees the others; leave, remove, replace", Args: knownCommand, RunE: helpAndFail}
	node.AddCommand(newAsk("list", "List all nodes: state, addresses, epoch, load", "/admin/nodes", printNodes), newNodeID(p))
	ring := &cobra.Command{Use: "ring", Short: "The ring: who holds what; plans and what they do", Args: knownCommand, RunE: helpAndFail}
	ring.AddCommand(newRingStatus())
	ring.AddCommand(ringOrders(p)...)
	node.AddCommand(nodeOrders(p)...)
	cmd.AddCommand(node, ring, newAdvise())
	return cmd
}

// newRingStatus shows how the ring is, or follows it with --watch.
func newRingStatus() *cobra.Command {
	cmd := newAsk("status", "Say how the ring is, how much each node holds and how far changes are", "/admin/ring", printRing)
	ask, watch := cmd.RunE, false
	cmd.Flags().BoolVar(&watch, "watch", false, "follow a change of the ring until it is done")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !watch {
			return ask(cmd, args)
		}
		addr, err := cmd.Flags().GetString("addr")
		if err != nil {
			return err
		}
		asJSON, err := cmd.Flags().GetBool("json")
		if err != nil {
			return err
		}
		return watchRing(cmd.Context(), cmd.OutOrStdout(), addr, asJSON, 0, "", false)
	}
	return cmd
}

// newAsk is a command that shows a page of a node's admin HTTP.
func newAsk(use, short, path string, show func(w io.Writer, body []byte) error) *cobra.Command {
	addr, asJSON := defaultAdmin, false
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body, err := askNode(cmd.Context(), addr, path)
			if err != nil {
				return err
			}
			if asJSON {
				_, err := cmd.OutOrStdout().Write(body)
				return err
			}
			return show(cmd.OutOrStdout(), body)
		},
	}
	cmd.Flags().StringVar(&addr, "addr", addr, "host:port of the node's admin HTTP")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the JSON that the node answered")
	return cmd
}

func askNode(ctx context.Context, addr, path string) ([]byte, error) {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return nil, fmt.Errorf("--addr %s: expected host:port of a node's admin HTTP", addr)
	}
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	u := url.URL{Scheme: "http", Host: addr, Path: path}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the node at --addr %s: %w. Is it running, and is that its admin HTTP (its port + 12000)?", addr, err)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("ask the node at --addr %s: %w", addr, err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("--addr %s answers %s: is that the admin HTTP of a rondo node?", addr, res.Status)
	}
	return body, nil
}

func printNodes(w io.Writer, body []byte) error {
	var p nodesPage
	if err := json.Unmarshal(body, &p); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cells ...any) {
		for i, c := range cells {
			if i > 0 {
				_, _ = fmt.Fprint(t, "\t") // Flush tells of errors
			}
			_, _ = fmt.Fprint(t, c)
		}
		_, _ = fmt.Fprintln(t)
	}
	line("NODE", "STATE", "DOUBT", "INCARNATION", "HEARD", "EPOCH", "CLIENTS", "FORWARD", "PEER", "GOSSIP", "RACK", "DC", "WEIGHT", "VNODES", "SLOTS", "LOAD", "LINK")
	for _, n := range p.Nodes {
		heard := "never"
		switch {
		case n.Self:
			heard = "itself"
		case n.HeardAgo >= 0:
			heard = (time.Duration(n.HeardAgo) * time.Millisecond).Round(100 * time.Millisecond).String()
		}
		state := n.State
		if !n.Member {
			state += ", no member"
		}
		line(n.ID, state, n.Doubt, n.Incarnation, heard, n.Epoch, orDash(n.Client), orDash(n.Forward), orDash(n.Peer), orDash(n.Gossip),
			orDash(n.Rack), orDash(n.DC), n.Weight, n.Vnodes, n.Slots, strconv.FormatFloat(100*n.Load, 'f', 1, 64)+"%", orDash(n.Link))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "as seen by %s; cluster %s, epoch %d\n", p.Self, p.State, p.Epoch)
	return err
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func printRing(w io.Writer, body []byte) error {
	var p ringPage
	if err := json.Unmarshal(body, &p); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if len(p.Members) == 0 {
		_, err := fmt.Fprintf(w, "no ring of several nodes: this node is %s\n", p.State)
		return err
	}
	alive := 0
	for _, m := range p.Members {
		alive += b2i(m.Alive)
	}
	if _, err := fmt.Fprintf(w, "cluster %s (%s), epoch %d, ring %s\n%d nodes, %d alive · %d copies of each key (%d configured)\n"+
		"%d partitions of %d slots: %d with all copies, %d with a majority of them, %d with fewer, %d with none\n",
		p.Name, p.Cluster, p.Epoch, p.Hash, len(p.Members), alive, p.Replicas, p.Configured, p.Partitions, p.Slots, p.Whole, p.Quorum-p.Whole, p.Minority, p.Dead); err != nil {
		return err
	}
	for _, r := range p.Relaxed {
		if _, err := fmt.Fprintln(w, "not as asked:", r); err != nil {
			return err
		}
	}
	if err := printPlanned(w, p); err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "NODE\tCLIENTS\tALIVE\tRACK\tDC\tWEIGHT\tVNODES\tSHARE\tFIRST\tPRIMARY SLOTS\tMOVES") // Flush tells of errors
	for _, m := range p.Members {
		here := "yes"
		if !m.Alive {
			here = "NO"
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%.1f%%\t%d\t%d\t%s\n", m.ID, m.Client, here, orDash(m.Rack), orDash(m.DC), m.Weight, m.Vnodes, 100*m.Share, m.Firsts, m.Primary, m.moves())
	}
	return t.Flush()
}

// printPlanned says what changes, and who waits.
func printPlanned(w io.Writer, p ringPage) error {
	var b strings.Builder
	if p.Stage != "stable" {
		fmt.Fprintf(&b, "a plan by %s is %s: %s\n", orDash(p.PlanBy), p.Stage, p.total().line(p, movesTotal{}, time.Second))
	} else if p.Wait != "" {
		fmt.Fprintf(&b, "%s\n", p.Wait)
	} else if !p.Cleared {
		fmt.Fprintf(&b, "%s\n", p.clearingText())
	}
	for _, x := range p.Waiting {
		fmt.Fprintf(&b, "%s (%s) waits to be admitted\n", x.ID, x.Client)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// moves is how far a member is.
func (m *ringLine) moves() string {
	text := "-"
	if all := m.PartitionsDone + m.PartitionsLeft; all > 0 {
		text = fmt.Sprintf("%d/%d, %s", m.PartitionsDone, all, megabytes(m.BytesDone))
	}
	if m.Leaving {
		text += ", leaving"
	}
	return text
}

// newNodeID tells the id of a data directory: a node's certificate has to name it before the node first runs.
func newNodeID(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "id",
		Short: "Print the node id of --dir, making the directory if it is new",
		Long: `Print the node id of --dir, as a certificate for links between nodes has to name it:
rondo://node/<id>. A directory that does not exist is made, so give the settings
that the node will run with. The node must not be running.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := conf.LoadSources(cmd.Flags(), "", p.env)
			if err != nil {
				return err
			}
			s, err := engine.Open(l.Dir, engine.Options{Secret: givenSecret(l.Config)})
			if err != nil {
				return err
			}
			id, _, _ := s.Identity()
			if err := s.Close(); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), hexID(id))
			return err
		},
	}
	bindSettings(cmd)
	return cmd
}
