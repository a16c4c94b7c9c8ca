package server

import (
	"strconv"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// keyInfoCommand is KEYINFO key: the slot, and how each home replica holds the key. It says what is known and leaves out what
// is not.
func keyInfoCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	key := object.KeyRef{DB: s.db, Name: args[1]}
	slot := command.Slot(key.Name)
	if s.sendsElsewhere() {
		if to := s.redirect(slot, false); to != "" {
			s.srv.totals.moved.Add(1)
			return to.Value()
		}
	}
	var replicas []resp.Value
	if node, ok := s.srv.node.(KeyInspector); ok {
		err := node.KeyInfo(key, slot, func(id object.NodeID, state *object.KeyState, hints int, err error) {
			replicas = append(replicas, s.replicaReply(id, state, hints, err))
		})
		if err != nil {
			return s.nodeError(err)
		}
	} else if !s.ring.alone() {
		return resp.Errf("ERR KEYINFO cannot ask the other nodes of a ring of %d yet", len(s.ring.Members))
	} else {
		own := s.runNow(&ownKey{key: [1]object.KeyRef{key}, session: s}, nil, slot)
		if own.IsError() {
			return own
		}
		replicas = append(replicas, own)
	}
	return resp.Map(
		resp.BulkString("slot"), resp.Int(int64(slot)),
		resp.BulkString("epoch"), resp.Int(int64(s.ring.Epoch)),
		resp.BulkString("home_replicas"), resp.Array(replicas...),
	)
}

// ownKey is the read of a key by the only home replica that there is.
type ownKey struct {
	key     [1]object.KeyRef
	session *session
}

// Reads implements command.Op.
func (o *ownKey) Reads() object.ReadSet { return object.ReadSet{Keys: o.key[:]} }

// Eval implements command.Op.
func (o *ownKey) Eval(_ *object.Input, v *object.View, _ *object.Mutation) resp.Value {
	id, _ := o.session.srv.node.Identity()
	return o.session.replicaReply(id, &v.Keys[0], 0, nil)
}

// replicaReply is one home replica in KEYINFO.
func (s *session) replicaReply(id object.NodeID, k *object.KeyState, hints int, err error) resp.Value {
	var f fields
	f.text("node", ClientNodeID(id))
	for i := range s.ring.Members {
		if m := &s.ring.Members[i]; m.ID == ClientNodeID(id) {
			f.text("address", m.Host+":"+strconv.Itoa(m.Port))
			f.text("state", map[bool]string{false: "ok", true: "fail"}[m.Failed])
		}
	}
	if hints >= 0 {
		f.int("hints", int64(hints))
	}
	switch {
	case err != nil:
		f.text("error", err.Error())
	case k != nil:
		f.state(k)
	}
	return resp.Map(f...)
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
func (f *fields) state(k *object.KeyState) {
	r := &k.Row
	f.text("type", k.Type().String())
	size := 0
	if !r.IsZero() {
		size = r.EncodedLen()
	}
	f.int("bytes", int64(size))
	f.stamp("database_cleared", k.Database)
	f.stamp("cleared", r.Cleared)
	switch r.Value.Kind {
	case object.ValueBytes:
		f.text("value", "string of "+strconv.Itoa(len(r.Value.Bytes))+" bytes")
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
	if r.Siblings != nil {
		var all []resp.Value
		for i := range r.Siblings.Values {
			v := &r.Siblings.Values[i]
			all = append(all, resp.Map(resp.BulkString("stamp"), resp.BulkString(v.Stamp.String()),
				resp.BulkString("bytes"), resp.Int(int64(len(v.Bytes)))))
		}
		f.add("siblings", resp.Array(all...))
	}
	if len(k.Elements) > 0 {
		f.int("elements", int64(len(k.Elements)))
	}
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
