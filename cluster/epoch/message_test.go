package epoch

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster/paxos"
	"github.com/rondokv/rondo/cluster/ring"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func sampleHash(b byte) (h ring.Hash) {
	copy(h[:], bytes.Repeat([]byte{b}, len(h)))
	return h
}

func sampleReport() report {
	return report{
		cluster: oldCluster, epoch: 7, hash: sampleHash(0xc1), adopted: 6, inc: 0x0102030405060708, seq: 9,
		progress: Progress{Epoch: 6, Copied: 5, Empty: 4, PartitionsDone: 3, PartitionsLeft: 2, BytesDone: 1 << 33, BytesLeft: 1},
	}
}

func samples(t testing.TB) map[string][]byte {
	text := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	return map[string][]byte{
		"paxos":       appendPaxos(nil, paxos.Message{Kind: paxos.Prepare, Epoch: 2, Parent: paxos.Hash(sampleHash(0xc1)), From: 2, To: 1, Ballot: paxos.Ballot{Round: 3, Node: 2}}),
		"want":        appendWant(nil, oldCluster, 7),
		"want_joiner": appendWant(nil, "", 1),
		"document":    appendDocument(nil, []byte("{...}")),
		"report2":     appendReport(nil, sampleReport()),
		"heard":       appendHeard(nil, heard{oldCluster, 7, sampleHash(0xc1)}),
		"command": appendPassed(nil, kindCommand, passed{5, 6, text(Command{
			Kind: CommandChange, Changes: []ring.Change{{Kind: ring.Join, Member: member(4)}, {Kind: ring.Leave, ID: 2}}, AcceptLoss: true, By: "me", Base: 7,
		})}),
		"answer": appendPassed(nil, kindAnswer, passed{5, 6, text(Outcome{Code: CodeLoss, Text: "why", Epoch: 7, Figures: &Figures{
			Moves: 3, Bound: 3, Partitions: 3, Nodes: []ring.NodeFigure{{ID: 4, After: 3, In: 3, Firsts: 1, Share: 0.25, Joins: true}},
		}})}),
		"lineage": appendLineage(nil, oldCluster, []byte("{...}")),
	}
}

// The bytes of a version are for ever.
func TestGolden(t *testing.T) {
	for name, body := range samples(t) {
		path := filepath.Join("testdata", name+".hex")
		got := []byte(hex.Dump(body))
		if *rewrite {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: other bytes\n%s", name, got)
		}
	}
}

// What is not whole, or longer than it says, is refused, and every field arrives.
func TestReport(t *testing.T) {
	w := newWorld(t, 1, 3)
	m := w.node(1).m
	r := sampleReport()
	r.epoch, r.hash, r.adopted = 1, m.hash, 1
	body := appendReport(nil, r)
	for n := range len(body) {
		if err := m.Receive(0, 2, body[:n]); !errors.Is(err, ErrMessage) {
			t.Fatalf("%d of %d bytes: %v", n, len(body), err)
		}
	}
	if err := m.Receive(0, 2, append(body, 0)); !errors.Is(err, ErrMessage) {
		t.Fatal(err)
	}
	if err := m.Receive(0, 2, body); err != nil {
		t.Fatal(err)
	}
	k := m.known[2]
	if k.adopted != 1 || k.inc != r.inc || k.seq != r.seq || !reflect.DeepEqual(k.progress, r.progress) {
		t.Errorf("%+v", k)
	}
	s := m.Status()
	if s.Members[1].Progress != r.progress || !s.Members[1].Reported || s.Conductor != 1 {
		t.Errorf("%+v", s)
	}
}

// A report of version 1 does not say what ring its numbers are about, and is taken in.
func TestOldReport(t *testing.T) {
	m := newWorld(t, 1, 3).node(1).m
	old := func(r report) []byte {
		body := appendReport(nil, r)
		body[0] = 1
		return body[:len(body)-8]
	}
	if want, err := os.ReadFile(filepath.Join("testdata", "report.hex")); err != nil || hex.Dump(old(sampleReport())) != string(want) {
		t.Fatalf("not the bytes of version 1: %v\n%s", err, hex.Dump(old(sampleReport())))
	}
	r := sampleReport()
	r.epoch, r.hash, r.adopted = 1, m.hash, 1
	if err := m.Receive(0, 2, old(r)); err != nil {
		t.Fatal(err)
	}
	r.progress.Epoch = 0
	if k := m.known[2]; k == nil || k.progress != r.progress {
		t.Errorf("%+v", k)
	}
	newer := appendReport(nil, r)
	newer[0] = 3
	if err := m.Receive(0, 2, newer); !errors.Is(err, ErrMessage) {
		t.Error(err)
	}
	if body := m.heard(); m.Receive(0, 2, append([]byte{2}, body[1:]...)) == nil {
		t.Error("only reports have a version 2")
	}
}

// What a node has to copy or to clear in a new ring is told at once, and so is what is done; figures on the way are not.
func TestProgressIsTold(t *testing.T) {
	m := newWorld(t, 1, 3).node(2).m
	m.Ready()
	for _, tc := range []struct {
		p    Progress
		told bool
	}{
		{Progress{Epoch: 1, PartitionsLeft: 9}, true},
		{Progress{Epoch: 1, PartitionsLeft: 8, PartitionsDone: 1}, false},
		{Progress{Epoch: 1, PartitionsDone: 9}, true},
		{Progress{Epoch: 1, PartitionsDone: 9, Copied: 1}, true},
		{Progress{Epoch: 2, Copied: 1}, true},
		{Progress{Epoch: 2, Copied: 1, Empty: 2}, true},
	} {
		m.Progress(1, tc.p)
		if told := len(m.Ready().Messages) > 0; told != tc.told {
			t.Errorf("%+v: told %v", tc.p, told)
		}
	}
}

// Reports come late and twice: what was said of copies is not taken back, the numbers are the newest.
func TestReportsOutOfOrder(t *testing.T) {
	w := newWorld(t, 1, 3)
	m := w.node(1).m
	r := report{cluster: oldCluster, epoch: 1, hash: m.hash, adopted: 1}
	say := func(inc, seq uint64, p Progress) {
		r.inc, r.seq, r.progress = inc, seq, p
		if err := m.Receive(0, 2, appendReport(nil, r)); err != nil {
			t.Fatal(err)
		}
	}
	say(1, 9, Progress{Copied: 1, Empty: 1, BytesDone: 5})
	say(1, 8, Progress{BytesDone: 4})
	if p := m.known[2].progress; p != (Progress{Copied: 1, Empty: 1, BytesDone: 5}) {
		t.Errorf("%+v", p)
	}
	say(2, 1, Progress{BytesDone: 1})
	if p := m.known[2].progress; p != (Progress{Copied: 1, BytesDone: 1}) {
		t.Errorf("%+v", p)
	}
}

func TestForeigners(t *testing.T) {
	w := newWorld(t, 1, 3)
	m := w.node(1).m
	other := newWorld(t, 2, 4).node(1).m.doc
	o := *other
	o.Cluster = "aabb"
	for name, body := range map[string][]byte{
		"document": appendDocument(nil, mustEncode(t, &o)),
		"want":     appendWant(nil, "aabb", 1),
		"heard":    appendHeard(nil, heard{"aabb", 9, sampleHash(1)}),
		"lineage":  appendLineage(nil, "ccdd", mustEncode(t, &o)),
	} {
		if err := m.Receive(0, 2, body); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Of our cluster, of our epoch, and another document.
	if err := m.Receive(0, 2, appendDocument(nil, mustEncode(t, other))); !errors.Is(err, ErrConflict) {
		t.Error(err)
	}
	rd := m.Ready()
	if rd.Save != nil || rd.Adopt != nil {
		t.Error("taken over")
	}
	if len(rd.Events) != 1 || rd.Events[0].Kind != EventConflict || !strings.HasPrefix(rd.Events[0].Text, "node 0000000000000002 has a document of epoch 1 with hash "+other.Hash().String()) {
		t.Errorf("%+v", rd.Events)
	}
}

// FuzzReceive: no bytes bring a machine down or make it forget its document.
func FuzzReceive(f *testing.F) {
	for _, body := range samples(f) {
		f.Add(body, uint8(2))
	}
	w := newWorld(f, 1, 3)
	d := w.node(1).m.doc
	f.Add(appendDocument(nil, mustEncode(f, d)), uint8(9))
	p, err := d.Propose([]ring.Change{{Kind: ring.Join, Member: member(4)}}, ring.PlanOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(appendDocument(nil, mustEncode(f, p.Next)), uint8(3))
	next := *p.Next
	next.Cluster = "aabb"
	f.Add(appendLineage(nil, oldCluster, mustEncode(f, &next)), uint8(3))
	for _, k := range []paxos.Kind{paxos.Accept, paxos.Decided} {
		x := paxos.Message{Kind: k, Epoch: 2, Parent: paxos.Hash(d.Hash()), From: 2, To: 1, Value: mustEncode(f, p.Next)}
		if k == paxos.Accept {
			x.Ballot = paxos.Ballot{Round: 1, Node: 2}
		}
		f.Add(appendPaxos(nil, x), uint8(2))
	}
	f.Fuzz(func(t *testing.T, body []byte, from uint8) {
		for _, o := range []Options{{Self: 1, Document: d, Auto: true}, {Self: 4}} {
			m, err := New(0, o)
			if err != nil {
				t.Fatal(err)
			}
			keep := bytes.Clone(body)
			err = m.Receive(1, ring.NodeID(from), body)
			if !bytes.Equal(keep, body) {
				t.Fatal("it has written into the body")
			}
			rd := m.Ready()
			if err != nil && (rd.Save != nil || rd.Adopt != nil) {
				t.Fatalf("%v, and %+v", err, rd)
			}
			if o.Document != nil && m.Document().Epoch < d.Epoch {
				t.Fatal("an older document")
			}
			m.Tick(2 * Second)
			m.Ready()
		}
	})
}
