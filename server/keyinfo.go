package server

import (
	"errors"
	"net"
	"strconv"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// keyInfoCommand is KEYINFO key: how each home replica holds the key, how far it is behind the others, and what other nodes keep
// of it as hints. Any node answers, on both faces: it is for people who look for what is wrong. A member that does not answer is
// listed as such.
func keyInfoCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	key := object.KeyRef{DB: s.db, Name: args[1]}
	slot := command.Slot(key.Name)
	reports := s.srv.node.KeyInfo(key, slot)
	newest := latestOf(reports)
	var homes, hints, silent []resp.Value
	for i := range reports {
		r := &reports[i]
		if r.Home {
			homes = append(homes, s.replicaReply(r, &newest))
		}
		if r.Err != nil {
			silent = append(silent, resp.BulkString(ClientNodeID(r.Node)))
		}
		for j := range r.Hints {
			hints = append(hints, s.hintReply(r.Node, &r.Hints[j]))
		}
	}
	return resp.Map(
		resp.BulkString("slot"), resp.Int(int64(slot)),
		resp.BulkString("epoch"), resp.Int(int64(s.ring.Epoch)),
		resp.BulkString("home_replicas"), resp.Array(homes...),
		resp.BulkString("hints"), resp.Array(hints...),
		resp.BulkString("not_answering"), resp.Array(silent...),
	)
}

// address is where clients reach a member; empty for a node that is none.
func (s *session) address(id object.NodeID) string {
	for i := range s.ring.Members {
		if m := &s.ring.Members[i]; m.Node == id || m.ID == ClientNodeID(id) {
			return net.JoinHostPort(m.Host, strconv.Itoa(m.Port))
		}
	}
	return ""
}

// replicaReply is one home replica in KEYINFO.
func (s *session) replicaReply(r *cluster.KeyReport, newest *fieldStamps) resp.Value {
	var f fields
	f.text("node", ClientNodeID(r.Node))
	f.text("address", s.address(r.Node))
	switch {
	case r.Err == nil:
		f.text("state", "alive")
		r.Key.Look(object.LastOf(s.srv.node.NowMillis()))
		f.state(r)
		f.add("lag", newest.lag(r))
	case errors.Is(r.Err, cluster.ErrDead):
		f.text("state", "dead")
	default:
		f.text("state", "unreachable")
		f.text("error", r.Err.Error())
	}
	return resp.Map(f...)
}

// hintReply is what one node keeps for another.
func (s *session) hintReply(on object.NodeID, h *cluster.KeyHint) resp.Value {
	var f fields
	f.text("for", ClientNodeID(h.For))
	f.text("for_address", s.address(h.For))
	f.text("on", ClientNodeID(on))
	f.text("on_address", s.address(on))
	f.int("rows", int64(h.Rows))
	f.int("bytes", int64(h.Bytes))
	f.stamp("latest", h.Latest)
	return resp.Map(f...)
}

// fieldStamps are the stamps of the fields of a key, by keyField.
type fieldStamps [keyFields]object.Stamp

// keyField is one of the fields that replicas can lag in.
type keyField int

const (
	fieldDatabase keyField = iota
	fieldCleared
	fieldValue
	fieldExpiry
	fieldTotals
	fieldSiblings
	fieldElements
	keyFields
)

func (f keyField) String() string {
	return [keyFields]string{"database_cleared", "cleared", "value", "expiry", "totals", "siblings", "elements"}[f]
}

func stampsOf(r *cluster.KeyReport) (f fieldStamps) {
	row := &r.Key.Row
	f[fieldDatabase], f[fieldCleared], f[fieldValue], f[fieldExpiry] = r.Key.Database, row.Cleared, row.Value.Stamp, row.Expiry.Stamp
	for i := range row.Totals {
		f[fieldTotals] = object.MaxOf(f[fieldTotals], row.Totals[i].Stamp)
	}
	if row.Siblings != nil {
		for i := range row.Siblings.Values {
			f[fieldSiblings] = object.MaxOf(f[fieldSiblings], row.Siblings.Values[i].Stamp)
		}
	}
	f[fieldElements] = r.Element
	return f
}

// latestOf is, field by field, the greatest stamp that a home replica has.
func latestOf(reports []cluster.KeyReport) (newest fieldStamps) {
	for i := range reports {
		if r := &reports[i]; r.Home && r.Err == nil {
			for field, stamp := range stampsOf(r) {
				newest[field] = object.MaxOf(newest[field], stamp)
			}
		}
	}
	return newest
}

// lag is the fields in which a replica is behind the newest, with the difference of the clocks' readings in ms; -1 where it has
// nothing of the field. What the replica's own clear covers is not missing: it would not show.
func (newest *fieldStamps) lag(r *cluster.KeyReport) resp.Value {
	var behind fields
	own := stampsOf(r)
	clear := object.MaxOf(own[fieldDatabase], own[fieldCleared])
	for field := range keyFields {
		have, want := own[field], newest[field]
		covered := field >= fieldValue && field != fieldExpiry && !clear.Before(want)
		switch {
		case !have.Before(want) || covered:
		case have.IsZero():
			behind.int(field.String(), -1)
		default:
			behind.int(field.String(), want.HLC.Millis()-have.HLC.Millis())
		}
	}
	return resp.Map(behind...)
}

// fields are names and values in turn.
type fields []resp.Value

func (f *fields) add(name string, v resp.Value) { *f = append(*f, resp.BulkString(name), v) }

func (f *fields) text(name, text string) { f.add(name, resp.BulkString(text)) }

func (f *fields) int(name string, n int64) { f.add(name, resp.Int(n)) }

func (f *fields) stamp(name string, s object.Stamp) {
	if !s.IsZero() {
		f.text(name, s.String())
	}
}

// state adds what a key's row holds, field by field, dead or alive; what was never written is left out.
func (f *fields) state(report *cluster.KeyReport) {
	k := &report.Key
	r := &k.Row
	f.text("type", k.Type().String())
	f.int("bytes", int64(report.Bytes))
	f.stamp("database_cleared", k.Database)
	f.stamp("cleared", r.Cleared)
	switch r.Value.Kind {
	case object.ValueBytes:
		f.text("value", "string of "+strconv.Itoa(report.Text)+" bytes")
	case object.ValueBase:
		f.text("value", "integer "+strconv.FormatInt(r.Value.Int, 10))
	}
	f.stamp("value_stamp", r.Value.Stamp)
	f.stamp("value_replaced", r.Value.Replaced)
	if !r.Expiry.Stamp.IsZero() {
		f.int("expire_at", r.Expiry.At)
		f.stamp("expire_stamp", r.Expiry.Stamp)
	}
	if len(r.Totals) > 0 {
		f.add("totals", counterEntries(len(r.Totals), func(i int) (object.Stamp, uint64, int64) {
			return r.Totals[i].Name, r.Totals[i].N, r.Totals[i].Sum
		}))
	}
	if len(r.Seen) > 0 {
		f.add("seen", counterEntries(len(r.Seen), func(i int) (object.Stamp, uint64, int64) {
			return r.Seen[i].Name, r.Seen[i].N, r.Seen[i].Sum
		}))
	}
	siblings := 0
	if r.Siblings != nil {
		siblings = len(r.Siblings.Values)
	}
	f.int("siblings", int64(siblings))
	f.int("elements", int64(report.Elements))
}

// counterEntries are the entries of a counter.
func counterEntries(n int, at func(i int) (name object.Stamp, increments uint64, sum int64)) resp.Value {
	var all []resp.Value
	for i := range n {
		name, increments, sum := at(i)
		all = append(all, resp.Map(resp.BulkString("birth"), resp.BulkString(name.String()),
			resp.BulkString("increments"), resp.Int(int64(increments)), resp.BulkString("sum"), resp.Int(sum)))
	}
	return resp.Array(all...)
}
