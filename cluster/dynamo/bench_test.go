package dynamo

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/engine/memstore"
	"github.com/rondokv/rondo/engine/object"
)

// benchOp is a SET or a GET as lean as one can be.
type benchOp struct {
	keys  [1]object.KeyRef
	value []byte
	saw   int
}

func (o *benchOp) Reads() object.ReadSet {
	return object.ReadSet{Keys: o.keys[:], Blind: o.value != nil}
}

func (o *benchOp) Eval(_ *object.Input, v *object.View, m *object.Mutation) {
	if o.value != nil {
		m.Set(0, o.value, 0)
		return
	}
	t, _ := v.Keys[0].Text()
	o.saw = t.Len()
}

// benchmark runs operations at the primary of three replicas, all in this goroutine, every message delivered as a value.
func benchmark(b *testing.B, value []byte) {
	c := newTestCluster(b, 3, 3)
	primary := c.home(0)
	o := &benchOp{keys: [1]object.KeyRef{{Name: []byte("key:000000000012")}}, value: bytes.Repeat([]byte("v"), 100)}
	r := &Request{}
	run := func(write bool) {
		r.Reset()
		r.Op, r.Write, r.Deadline = o, write, c.now+800*Millisecond
		r.ReadLevel, r.WriteLevel = quorum.Choice{Level: quorum.Quorum}, quorum.Choice{Level: quorum.Quorum}
		primary.p.Begin(c.now, r)
		c.drain(primary)
		for i := 0; i < len(c.queue); i++ {
			d := c.queue[i]
			m := c.members[d.to]
			m.p.Receive(c.now, d.from, d.m)
			c.drain(m)
		}
		c.queue = c.queue[:0]
		if !r.Finished || r.Err != nil {
			b.Fatal("not finished", r.Err)
		}
	}
	run(true)
	o.value = value
	b.ReportAllocs()
	for b.Loop() {
		run(value != nil)
	}
}

func BenchmarkQuorumSet(b *testing.B) { benchmark(b, bytes.Repeat([]byte("v"), 100)) }
func BenchmarkQuorumGet(b *testing.B) { benchmark(b, nil) }

// BenchmarkCopy copies a partition of 10,000 small rows to a new owner, with the source's work in it.
func BenchmarkCopy(b *testing.B) {
	s, err := newStageOf("cluster nodes=4 replicas=1")
	if err != nil {
		b.Fatal(err)
	}
	s.quiet = true
	const rows = 10_000
	a := s.nodes[0]
	var writes []object.Write
	for i := range rows {
		r := object.KeyRow{Value: object.Value{Stamp: object.Stamp{HLC: object.HLC(i + 1), Node: 1, Inc: 1}, Kind: object.ValueBytes, Bytes: make([]byte, 64)}}
		ref := object.KeyRef{Name: fmt.Appendf(nil, "key:%d", i)}
		writes = append(writes, object.Write{Key: object.AppendRowKey(nil, object.Secret{K0: 1, K1: 2}, object.Slot(i%1024), ref, nil), Row: r.AppendRow(nil)})
	}
	commit, err := a.store.Apply(writes)
	if err == nil {
		err = commit.Wait()
	}
	if err == nil {
		err = s.runAll([]string{"plan copying a>d", "adopt all"})
	}
	if err != nil {
		b.Fatal(err)
	}
	d := s.nodes[3]
	for b.Loop() {
		d.store, d.ceiling = memstore.New(), 0
		if err := d.start(); err != nil {
			b.Fatal(err)
		}
		if err := s.moves(d, nil); err != nil {
			b.Fatal(err)
		}
		if t := d.p.Transfer(); !t.Done || t.Rows < rows {
			b.Fatalf("%+v", t)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}
