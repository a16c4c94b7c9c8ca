package dynamo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// print writes what a visit did, as one line: who, what came in, what came of it.
func (s *stage) print(v *visit) {
	if s.quiet || len(v.notes) == 0 && (v.what == "" || v.what == "moves" || strings.HasPrefix(v.what, "suspects ")) {
		return
	}
	what := v.what
	if what == "" {
		what = "at " + timeText(s.now)
	}
	s.say("%s  %s", v.at.name, strings.Join(append([]string{what}, v.notes...), " | "))
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func timeText(t Time) string { return fmt.Sprintf("%dms", t/Millisecond) }

// describe names a message as a story does.
func describe(s *stage, m wire.Message) string {
	switch m := m.(type) {
	case *wire.Read:
		if m.Hints {
			return "read-hints"
		}
		return "read"
	case *wire.ReadReply:
		if m.Status != wire.StatusOK {
			return "no:" + strings.ToLower(m.Status.String())
		}
		if len(m.Rows) == 0 && m.Same != nil {
			return "same"
		}
		return "rows"
	case *wire.Write:
		if m.For != 0 {
			return "hint-for-" + s.nodes[m.For-1].name
		}
		return map[wire.Reason]string{
			wire.ReasonClient: "write", wire.ReasonWriteBack: "write-back", wire.ReasonRepair: "repair", wire.ReasonHint: "hint", wire.ReasonTransfer: "hand-over",
		}[m.Reason]
	case *wire.WriteReply:
		switch m.Status {
		case wire.StatusOK:
			return "ack"
		case wire.StatusHidden:
			return "hidden"
		}
		return "no:" + strings.ToLower(m.Status.String())
	case *wire.Pass:
		return "pass"
	case *wire.PassReply:
		return "answer"
	case *wire.Compare:
		return "compare"
	case *wire.Compared:
		return ifOK("hashes", m.Status)
	case *wire.Fetch:
		return "fetch"
	case *wire.Fetched:
		return ifOK("page", m.Status)
	}
	return "?"
}

func ifOK(name string, s wire.Status) string {
	if s != wire.StatusOK {
		return "no:" + strings.ToLower(s.String())
	}
	return name
}

// noteWrites tells what a batch stores.
func (s *stage) noteWrites(v *visit, writes []object.Write) {
	for _, w := range writes {
		key, verb := w.Key, "stores "
		if target, ok := object.ParseHintPrefix(w.Key); ok && w.Key[0] == object.SpaceHint {
			key = w.Key[len(object.AppendHintPrefix(nil, target)):]
			verb = "keeps for " + s.nodes[target-1].name + ": "
			if w.Row == nil {
				verb = "drops for " + s.nodes[target-1].name + ": "
			}
		}
		k, err := object.ParseRowKey(key)
		if err != nil {
			panic(err)
		}
		v.note("%s%s", verb, s.rowText(k, w.Row))
	}
}

// rowText is an encoded row in short.
func (s *stage) rowText(k object.RowKey, row []byte) string {
	name := string(k.Ref.Name)
	switch {
	case k.Database:
		name = fmt.Sprintf("database %d", k.Ref.DB)
	case len(k.Sub) > 0:
		name += "[" + string(k.Sub[1:]) + "]"
	}
	if row == nil {
		return name
	}
	if len(k.Sub) > 0 {
		var e object.ElementRow
		if err := e.DecodeRow(row); err != nil {
			return name + " (unreadable)"
		}
		if e.Tombstone {
			return fmt.Sprintf("%s gone %s", name, s.stampText(e.Stamp))
		}
		return fmt.Sprintf("%s=%s %s", name, e.Value, s.stampText(e.Stamp))
	}
	var r object.KeyRow
	if err := r.DecodeRow(row); err != nil {
		return name + " (unreadable)"
	}
	return name + s.keyText(&r)
}

// keyText is a key row in short: "=v @3a", "=2 @3a b+1", " cleared @4b", " expires 900ms @3a". What follows from a plain SET is
// left out.
func (s *stage) keyText(r *object.KeyRow) string {
	var b strings.Builder
	v := &r.Value
	if v.Kind != object.ValueNone {
		text := string(v.Bytes)
		if v.Kind == object.ValueBase {
			text = fmt.Sprint(v.Int)
		}
		fmt.Fprintf(&b, "=%s %s", text, s.stampText(v.Stamp))
	}
	for i := range r.Totals {
		t := &r.Totals[i]
		fmt.Fprintf(&b, " %s%+d", s.nodes[t.Name.Node-1].name, t.Sum-seenOf(r, t))
	}
	if r.Siblings != nil {
		var values []string
		for _, x := range r.Siblings.Values {
			values = append(values, string(x.Bytes))
		}
		slices.Sort(values)
		fmt.Fprintf(&b, " {%s}", strings.Join(values, " "))
	}
	if !r.Cleared.IsZero() && (v.Kind == object.ValueNone || r.Cleared != v.Stamp.Below()) {
		fmt.Fprintf(&b, " cleared %s", s.stampText(r.Cleared))
	}
	switch e := r.Expiry; {
	case e.At != 0:
		fmt.Fprintf(&b, " expires %dms %s", e.At-storyEpochMillis, s.stampText(e.Stamp))
	case e.Stamp.IsZero() || e.Stamp == v.Stamp || e.Stamp == r.Cleared:
	default:
		fmt.Fprintf(&b, " expires never %s", s.stampText(e.Stamp))
	}
	return b.String()
}

func seenOf(r *object.KeyRow, t *object.Total) int64 {
	for i := range r.Seen {
		if r.Seen[i].Name == t.Name {
			return r.Seen[i].Sum
		}
	}
	return 0
}

// stampText is a stamp in short: @12a is ms 12 at node a, @12.1a the next in that ms, @12a/2 in the node's second life.
func (s *stage) stampText(t object.Stamp) string {
	text := fmt.Sprintf("@%d", t.HLC.Millis()-storyEpochMillis)
	if c := uint16(t.HLC); c == 0xffff {
		text += ".end"
	} else if c != 0 {
		text += fmt.Sprintf(".%d", c)
	}
	if t.Node == 0 || t.Node > object.NodeID(len(s.nodes)) { // of an expiry that has passed: the end of its millisecond
		return text
	}
	text += s.nodes[t.Node-1].name
	if t.Inc > 1 {
		text += fmt.Sprintf("/%d", t.Inc)
	}
	return text
}

func (s *stage) noteEvent(v *visit, e Event) {
	switch e.Kind {
	case EventConflict:
		v.note("conflict on %s", e.Ref.Name)
	case EventDrift:
		v.note("the clock of %s is too far ahead", s.nodes[e.Peer-1].name)
	case EventCorrupt:
		v.note("unreadable: %v", e.Err)
	}
}

// stored returns the rows of a space that a node holds, as they are told.
func (a *actor) stored(space byte, fn func(target object.NodeID, k object.RowKey, row []byte)) {
	err := a.store.Scan([]byte{space}, []byte{space + 1}, func(key, row []byte) bool {
		target := object.NodeID(0)
		if space == object.SpaceHint {
			target, _ = object.ParseHintPrefix(key)
			key = key[len(object.AppendHintPrefix(nil, target)):]
		}
		k, err := object.ParseRowKey(key)
		if err != nil {
			panic(err)
		}
		fn(target, k, row)
		return true
	})
	if err != nil {
		panic(err)
	}
}

// rows tells what each home replica holds of a key, those that hold the same together.
func (s *stage) rows(name string) {
	var texts []string
	who := map[string][]string{}
	for _, id := range s.ring.Owners(0) {
		a := s.nodes[id-1]
		var parts []string
		a.stored(object.SpaceData, func(_ object.NodeID, k object.RowKey, row []byte) {
			if string(k.Ref.Name) == name && !k.Database {
				parts = append(parts, s.rowText(k, row))
			}
		})
		text := strings.Join(parts, ", ")
		if text == "" {
			text = "nothing"
		}
		if who[text] == nil {
			texts = append(texts, text)
		}
		who[text] = append(who[text], a.name)
	}
	for _, text := range texts {
		s.say("%s: %s", strings.Join(who[text], " "), text)
	}
}

// hints tells which rows are kept for others.
func (s *stage) hints() (n int) {
	for _, a := range s.nodes {
		a.stored(object.SpaceHint, func(target object.NodeID, k object.RowKey, row []byte) {
			n++
			s.say("%s keeps for %s: %s", a.name, s.nodes[target-1].name, s.rowText(k, row))
		})
	}
	if n == 0 {
		s.say("none")
	}
	return n
}
