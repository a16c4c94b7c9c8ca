package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/server"
)

// order is what an operator wants of the ring, as rondo admin posts it to /admin/order. Nodes are named by their id, as clients
// know it, or by one of their addresses.
type order struct {
	Action     string         `json:"action"` // plan, commit, abort, leave, remove, replace, forget, recover, rebalance
	Join       []string       `json:"join,omitempty"`
	Leave      []string       `json:"leave,omitempty"`
	Remove     []string       `json:"remove,omitempty"`
	Replace    []replacement  `json:"replace,omitempty"`
	Weights    []weighting    `json:"weights,omitempty"`
	Replicas   int            `json:"replicas,omitempty"`
	PerDC      map[string]int `json:"replicas_by_dc,omitempty"`
	AcceptLoss bool           `json:"accept_data_loss,omitempty"`
	Survivors  []string       `json:"survivors,omitempty"`
	Auto       bool           `json:"auto,omitempty"`
	By         string         `json:"by,omitempty"`
}

type replacement struct {
	Old string `json:"old"`
	New string `json:"new"`
}

type weighting struct {
	Node   string `json:"node"`
	Weight uint32 `json:"weight"`
}

// orderReply says how an order went.
type orderReply struct {
	OK      bool          `json:"ok"`
	Code    string        `json:"code"`
	Text    string        `json:"text,omitempty"`
	Epoch   uint64        `json:"epoch,omitempty"`
	Node    string        `json:"node,omitempty"` // that the order was about, if it was one
	Figures *orderFigures `json:"figures,omitempty"`
}

// orderFigures are what a plan would do.
type orderFigures struct {
	Moves      int          `json:"moves"` // vnodes
	Bound      int          `json:"bound"`
	Partitions int          `json:"partitions"`
	Reordered  int          `json:"reordered"`
	AtOnce     bool         `json:"at_once,omitempty"`
	Nodes      []figureLine `json:"nodes"`
	Warnings   []string     `json:"warnings,omitempty"`
}

type figureLine struct {
	ID     string  `json:"id"`
	Client string  `json:"client,omitempty"`
	Before int     `json:"before"`
	After  int     `json:"after"`
	In     int     `json:"in"` // vnodes to copy
	Share  float64 `json:"share"`
	Joins  bool    `json:"joins,omitempty"`
	Goes   bool    `json:"goes,omitempty"`
}

const (
	orderBytes   = 1 << 20
	orderTimeout = 25 * time.Second
)

// takeOrder is POST /admin/order. Only who sits on this machine may give orders, or who has the password. A header that pages of other
// origins cannot send keeps a browser from being used for it.
func (n *node) takeOrder(w http.ResponseWriter, r *http.Request) {
	if !n.mayOrder(r) {
		http.Error(w, "orders are taken on the node's own machine, or with its requirepass: give --password, or RONDO_REQUIREPASS. "+
			"A node without requirepass takes none from elsewhere", http.StatusForbidden)
		return
	}
	state, m := n.progress()
	if m == nil || m.keeper == nil {
		http.Error(w, notYet(state), http.StatusConflict)
		return
	}
	var o order
	dec := json.NewDecoder(io.LimitReader(r.Body, orderBytes))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&o); err != nil {
		http.Error(w, "bad order: "+err.Error(), http.StatusBadRequest)
		return
	}
	c, about, err := m.command(o)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), orderTimeout)
	defer cancel()
	out, err := m.keeper.Do(ctx, c)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no outcome within %v; it may still be carried out: look at rondo admin ring status before you repeat it", orderTimeout)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	n.log.Info("order", "action", o.Action, "by", o.By, "outcome", out.Code.String(), "text", out.Text, "epoch", uint64(out.Epoch))
	reply := orderReply{OK: out.Code == epoch.CodeOK, Code: out.Code.String(), Text: words(out), Epoch: uint64(out.Epoch), Figures: m.figures(out.Figures)}
	if about != 0 {
		reply.Node = hexID(about)
	}
	writeJSON(w, reply)
}

// orderHeader marks what rondo admin sends.
const orderHeader = "Rondo-Admin"

func (n *node) mayOrder(r *http.Request) bool {
	if r.Header.Get(orderHeader) == "" {
		return false
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsLoopback() {
		return true
	}
	pass, given := n.password(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	return pass != "" && subtle.ConstantTimeCompare([]byte(pass), []byte(given)) == 1
}

// password is the one that clients need now.
func (n *node) password() string {
	if n.settings == nil {
		return ""
	}
	n.settings.mu.Lock()
	defer n.settings.mu.Unlock()
	return n.settings.cfg.RequirePass
}

// command turns an order into the keeper's words. about is the node that it is about, if it is one.
func (m *membership) command(o order) (c epoch.Command, about object.NodeID, err error) {
	c = epoch.Command{AcceptLoss: o.AcceptLoss, By: o.By}
	switch o.Action {
	case "plan":
		c.Kind = epoch.CommandPlan
	case "commit":
		c.Kind = epoch.CommandCommit
		return c, 0, nil
	case "abort":
		c.Kind = epoch.CommandAbort
		return c, 0, nil
	case "rebalance":
		c.Kind, c.Auto = epoch.CommandSetAuto, o.Auto
		return c, 0, nil
	case "recover":
		c.Kind, c.Cluster = epoch.CommandRecover, newClusterID()
		c.Survivors, err = m.survivors(o.Survivors)
		return c, 0, err
	case "leave", "remove", "replace", "forget":
		c.Kind = epoch.CommandChange
	default:
		return c, 0, fmt.Errorf("unknown action %q", o.Action)
	}
	if o.Action == "leave" && len(o.Leave) == 0 {
		o.Leave = []string{hexID(m.self)}
	}
	if c.Changes, err = m.changes(o); err != nil {
		return c, 0, err
	}
	if len(c.Changes) == 0 {
		return c, 0, errors.New("nothing to do: no node waits to be admitted. Start one with --join and the gossip address of a member, " +
			"or say what is to change: rondo admin ring plan --help")
	}
	if len(c.Changes) == 1 {
		about = object.NodeID(c.Changes[0].ID)
	}
	if o.Action == "forget" {
		if d := m.chart.Load().member(about); d != nil && !d.Leaving {
			return c, 0, fmt.Errorf("node %s was not leaving, and still holds data: use rondo admin node remove, or replace", hexID(about))
		}
	}
	return c, about, nil
}

func newClusterID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
	return hex.EncodeToString(id[:])
}

// changes are those of an order; a plan that names none is to admit all who wait.
func (m *membership) changes(o order) (changes []ring.Change, err error) {
	v := m.gossip.View()
	if o.Action == "plan" && len(o.Join)+len(o.Leave)+len(o.Remove)+len(o.Replace)+len(o.Weights)+len(o.PerDC) == 0 && o.Replicas == 0 {
		o.Join = []string{"all"}
	}
	for _, name := range o.Join {
		joins, err := m.waiting(v, name)
		if err != nil {
			return nil, err
		}
		for _, g := range joins {
			changes = append(changes, ring.Change{Kind: ring.Join, Member: ringMember(g)})
		}
	}
	named := func(kind ring.ChangeKind, names []string) {
		for _, name := range names {
			id, e := m.memberNamed(v, name)
			if e != nil && err == nil {
				err = e
			}
			changes = append(changes, ring.Change{Kind: kind, ID: id})
		}
	}
	named(ring.Leave, o.Leave)
	named(ring.Remove, o.Remove)
	for _, r := range o.Replace {
		joins, e := m.waiting(v, r.New)
		if e == nil && len(joins) != 1 {
			e = fmt.Errorf("%q names %d nodes that wait to be admitted: name the one that takes the places of %q by its id, see rondo admin node list", r.New, len(joins), r.Old)
		}
		if e != nil {
			return nil, e
		}
		named(ring.Replace, []string{r.Old})
		changes[len(changes)-1].Member = ringMember(joins[0])
	}
	for _, w := range o.Weights {
		named(ring.SetWeight, []string{w.Node})
		changes[len(changes)-1].Weight = w.Weight
	}
	if o.Replicas > 0 || len(o.PerDC) > 0 {
		changes = append(changes, ring.Change{Kind: ring.SetReplicas, Replicas: o.Replicas, PerDC: o.PerDC})
	}
	return changes, err
}

// waiting finds nodes that wait to be admitted: one by its name, or all.
func (m *membership) waiting(v gossip.View, name string) (found []gossip.Member, err error) {
	c := m.chart.Load()
	for g := range v.All() {
		if g.Waiting && m.Alive(g.ID) && c.member(g.ID) == nil && (name == "all" || isNamed(name, g.ID, g.Client, g.Gossip, g.Peer)) {
			found = append(found, g)
		}
	}
	if len(found) == 0 && name != "all" {
		return nil, fmt.Errorf("no node %q waits to be admitted: start it with an empty --dir, and --join with the gossip address of a member; rondo admin node list shows who waits", name)
	}
	return found, nil
}

// memberNamed finds a member of the ring.
func (m *membership) memberNamed(v gossip.View, name string) (ring.NodeID, error) {
	c := m.chart.Load()
	var found []ring.NodeID
	for i := range c.doc.Members {
		d := &c.doc.Members[i]
		if a := m.addressesOf(d, v); isNamed(name, a.ID, a.Client, a.Gossip, a.Peer) {
			found = append(found, d.ID)
		}
	}
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("no member of the ring is named %q: rondo admin ring status shows their ids and addresses", name)
	case 1:
	default:
		return 0, fmt.Errorf("%q is the address of %d members of the ring: name the one that you mean by its id, see rondo admin ring status", name, len(found))
	}
	return found[0], nil
}

func isNamed(name string, id object.NodeID, addresses ...string) bool {
	return name == hexID(id) || name == server.ClientNodeID(id) || slices.Contains(addresses, name)
}

// survivors are the members that go on when a majority of the voters is lost: those named, else all that are alive.
func (m *membership) survivors(names []string) (ids []ring.NodeID, err error) {
	v := m.gossip.View()
	for _, name := range names {
		id, err := m.memberNamed(v, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if len(names) > 0 {
		return ids, nil
	}
	for _, d := range m.chart.Load().doc.Members {
		if m.Alive(object.NodeID(d.ID)) {
			ids = append(ids, d.ID)
		}
	}
	return ids, nil
}

func (m *membership) figures(f *epoch.Figures) *orderFigures {
	if f == nil {
		return nil
	}
	out := &orderFigures{Moves: f.Moves, Bound: f.Bound, Partitions: f.Partitions, Reordered: f.Reordered, AtOnce: f.NothingElse, Warnings: f.Warnings}
	v := m.gossip.View()
	for _, x := range f.Nodes {
		line := figureLine{ID: hexID(object.NodeID(x.ID)), Before: x.Before, After: x.After, In: x.In, Share: x.Share, Joins: x.Joins, Goes: x.Goes}
		if g, ok := v.Get(object.NodeID(x.ID)); ok {
			line.Client = g.Client
		}
		out.Nodes = append(out.Nodes, line)
	}
	return out
}

// parseReplicas reads a number, or numbers by datacenter: eu=3,us=2.
func parseReplicas(text string) (n int, byDC map[string]int, err error) {
	if n, err = strconv.Atoi(text); err == nil {
		return n, nil, nil
	}
	byDC, ok := conf.ParseCopies(text)
	if !ok || byDC == nil {
		return 0, nil, fmt.Errorf("%q: expected a number, or numbers by datacenter such as eu=3,us=2", text)
	}
	return 0, byDC, nil
}
