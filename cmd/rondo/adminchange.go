package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/user"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// ordering is what commands that give orders have in common.
type ordering struct {
	addr     string
	password string
	asJSON   bool
	loss     bool
	watch    bool
	p        process
}

func (o *ordering) bind(cmd *cobra.Command, loss, watch bool) *cobra.Command {
	o.addr = defaultAdmin
	cmd.Flags().StringVar(&o.addr, "addr", o.addr, "host:port of the admin HTTP of any member")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print the JSON that the node answered")
	cmd.Flags().StringVar(&o.password, "password", "", "requirepass of the node, for orders from another machine (or RONDO_REQUIREPASS)")
	if loss {
		cmd.Flags().BoolVar(&o.loss, "accept-data-loss", false, "go on from whoever is left where a majority of a partition's nodes is dead")
	}
	if watch {
		cmd.Flags().BoolVar(&o.watch, "watch", false, "show how far it is until it is done")
	}
	return cmd
}

// give posts an order and shows how it went.
func (o *ordering) give(ctx context.Context, w io.Writer, x order, show func(io.Writer, orderReply) error) error {
	x.AcceptLoss = o.loss
	x.By = whoAmI()
	reply, body, err := o.post(ctx, x)
	if err != nil {
		return err
	}
	if o.asJSON {
		if _, err := w.Write(body); err != nil {
			return err
		}
	}
	if !reply.OK {
		return errors.New(refusalText(x.Action, reply))
	}
	if !o.asJSON {
		if err := show(w, reply); err != nil {
			return err
		}
	}
	if o.watch {
		return watchRing(ctx, w, o.addr, o.asJSON, reply.Epoch, reply.Node, x.Action == "leave")
	}
	return nil
}

func whoAmI() string {
	u, err := user.Current()
	if err != nil {
		return "operator"
	}
	return u.Username
}

func (o *ordering) post(ctx context.Context, x order) (reply orderReply, body []byte, err error) {
	text, err := json.Marshal(x)
	if err != nil {
		return reply, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, orderTimeout+adminTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+o.addr+"/admin/order", bytes.NewReader(text))
	if err != nil {
		return reply, nil, fmt.Errorf("--addr %s: expected host:port of a node's admin HTTP", o.addr)
	}
	req.Header.Set(orderHeader, "1")
	req.Header.Set("Content-Type", "application/json")
	password := o.password
	for _, kv := range o.p.env {
		if v, ok := strings.CutPrefix(kv, "RONDO_REQUIREPASS="); ok && password == "" {
			password = v
		}
	}
	if password != "" {
		req.Header.Set("Authorization", "Bearer "+password)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply, nil, fmt.Errorf("ask the node at --addr %s: %w. Is it running, and is that its admin HTTP (its port + 12000)?", o.addr, err)
	}
	body, err = io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return reply, nil, fmt.Errorf("ask the node at --addr %s: %w", o.addr, err)
	}
	if res.StatusCode != http.StatusOK {
		return reply, nil, fmt.Errorf("--addr %s: %s", o.addr, strings.TrimSpace(string(body)))
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return reply, nil, fmt.Errorf("read the answer: %w", err)
	}
	return reply, body, nil
}

// done says what is under way now.
func done(x order) func(io.Writer, orderReply) error {
	return func(w io.Writer, r orderReply) error {
		_, err := fmt.Fprintln(w, doneText(x, r))
		return err
	}
}

func newRingPlan(p process) *cobra.Command {
	o := &ordering{p: p}
	var x order
	var replace, weights []string
	replicas := ""
	cmd := &cobra.Command{
		Use: "plan", Short: "Show what changes would do, and stage them for commit", Args: cobra.NoArgs,
		Long: `Show what changes of the ring would move, and stage them at the node that was asked,
for rondo admin ring commit. Without flags all nodes that wait to be admitted join.
Nodes are named by id, or by one of their addresses.`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			x.Action = "plan"
			for _, r := range replace {
				old, with, ok := strings.Cut(r, "=")
				if !ok {
					return fmt.Errorf("--replace %s: expected old=new", r)
				}
				x.Replace = append(x.Replace, replacement{old, with})
			}
			for _, w := range weights {
				at := strings.LastIndexByte(w, '=')
				n, err := strconv.ParseUint(w[at+1:], 10, 32)
				if at < 0 || err != nil {
					return fmt.Errorf("--weight %s: expected node=number", w)
				}
				x.Weights = append(x.Weights, weighting{w[:at], uint32(n)})
			}
			if replicas != "" {
				if x.Replicas, x.PerDC, err = parseReplicas(replicas); err != nil {
					return fmt.Errorf("--replicas %w", err)
				}
			}
			return o.give(cmd.Context(), cmd.OutOrStdout(), x, printPlan)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&x.Join, "join", nil, "nodes that wait to be admitted, or all")
	f.StringSliceVar(&x.Leave, "leave", nil, "members that hand over what they have and go")
	f.StringSliceVar(&x.Remove, "remove", nil, "dead members")
	f.StringSliceVar(&replace, "replace", nil, "old=new: a node that waits takes the places of a member")
	f.StringSliceVar(&weights, "weight", nil, "node=weight: another share of the data")
	f.StringVar(&replicas, "replicas", "", "another number of copies, or by datacenter: eu=3,us=2")
	return o.bind(cmd, true, false)
}

func printPlan(w io.Writer, r orderReply) error {
	f := r.Figures
	if f == nil {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "NODE\tCLIENTS\tVNODES\tAFTER\tTO COPY\tSHARE\t") // Flush tells of errors
	for _, n := range f.Nodes {
		what := ""
		switch {
		case n.Joins:
			what = "joins"
		case n.Goes:
			what = "goes"
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%.1f%%\t%s\n", n.ID, orDash(n.Client), n.Before, n.After, n.In, 100*n.Share, what)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, text := range f.Warnings {
		if _, err := fmt.Fprintln(w, "not as asked:", text); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d vnodes move (no plan could do with less than %d), %d partitions get another list, %d of them only another order\n"+
		"Nothing has changed yet. At the same node (--addr) rondo admin ring commit carries it out, rondo admin ring abort drops it\n",
		f.Moves, f.Bound, f.Partitions, f.Reordered)
	return err
}

// newOrder is a command that gives one order.
func newOrder(p process, use, short, long string, args cobra.PositionalArgs, loss bool, make func(args []string) order) *cobra.Command {
	o := &ordering{p: p}
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			x := make(args)
			return o.give(cmd.Context(), cmd.OutOrStdout(), x, done(x))
		},
	}
	return o.bind(cmd, loss, true)
}

func ringOrders(p process) []*cobra.Command {
	simple := func(action string) func([]string) order { return func([]string) order { return order{Action: action} } }
	auto := newOrder(p, "rebalance auto|manual", "Whether the asked node makes plans by itself, until it starts again", "",
		cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs), false,
		func(args []string) order { return order{Action: "rebalance", Auto: args[0] == "auto"} })
	auto.ValidArgs = []string{"auto", "manual"}
	return []*cobra.Command{
		newRingPlan(p),
		newOrder(p, "commit", "Carry out what plan has staged", "", cobra.NoArgs, false, simple("commit")),
		newOrder(p, "abort", "Give up the plan that is copying, or what is staged", "", cobra.NoArgs, false, simple("abort")),
		auto,
		newRecover(p),
	}
}

func nodeOrders(p process) []*cobra.Command {
	return []*cobra.Command{
		newOrder(p, "leave [node]", "Have a node hand over all that it holds and go", "Have a node, the asked one if none is named, hand over all that it holds and go. With --watch\n"+
			"it returns once the node is no member any more: as a preStop hook, it drains the node.", cobra.MaximumNArgs(1), true,
			func(args []string) order { return order{Action: "leave", Leave: args} }),
		newOrder(p, "remove <node>", "Remove a dead node: its data is copied from the others", "", cobra.ExactArgs(1), true,
			func(args []string) order { return order{Action: "remove", Remove: args} }),
		newOrder(p, "replace <old> <new>", "Let a node that waits to be admitted take the places of another", "", cobra.ExactArgs(2), true,
			func(args []string) order {
				return order{Action: "replace", Replace: []replacement{{args[0], args[1]}}}
			}),
		newOrder(p, "forget <node>", "Drop a dead node that was leaving, without what it still held", "", cobra.ExactArgs(1), true,
			func(args []string) order { return order{Action: "forget", Remove: args} }),
	}
}

// newRecover begins a new lineage when a majority of the voters is gone for good.
func newRecover(p process) *cobra.Command {
	o := &ordering{p: p}
	var survivors []string
	sure := false
	cmd := &cobra.Command{
		Use: "recover", Short: "Go on with the survivors when a majority of the voters is gone for good", Args: cobra.NoArgs,
		Long: `Go on with the survivors when a majority of the voters is gone for good. The ring
gets a new cluster id, so that nodes that were taken for lost and come back are
refused: empty their directories and let them join anew. What was acknowledged only
by the lost is lost.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !sure {
				return errors.New("this cannot be undone, and nodes that were taken for lost must not come back with their data: what only they have is " +
					"lost. To go on: --yes")
			}
			x := order{Action: "recover", Survivors: survivors}
			return o.give(cmd.Context(), cmd.OutOrStdout(), x, done(x))
		},
	}
	cmd.Flags().StringSliceVar(&survivors, "survivors", nil, "members that go on (default all that the asked node sees alive)")
	cmd.Flags().BoolVar(&sure, "yes", false, "be sure")
	return o.bind(cmd, false, true)
}

// watchEvery is how often a watched ring is looked at.
const watchEvery = 500 * time.Millisecond
