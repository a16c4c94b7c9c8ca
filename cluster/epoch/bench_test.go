package epoch

import (
	"fmt"
	"testing"

	"github.com/rondokv/rondo/cluster/ring"
)

// What a conductor does each second while a plan waits for a copy.
func BenchmarkSecond(b *testing.B) {
	for _, n := range []int{10, 100, 300} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := ring.Founding{Cluster: oldCluster, Name: "t", Replicas: 3, Slots: 16}
			for i := range n {
				f.Members = append(f.Members, member(ring.NodeID(i+1)))
			}
			d, err := ring.Found(f)
			if err != nil {
				b.Fatal(err)
			}
			p, err := d.Propose([]ring.Change{{Kind: ring.Join, Member: member(1000)}}, ring.PlanOptions{})
			if err != nil {
				b.Fatal(err)
			}
			m, err := New(0, Options{Self: 1, Document: p.Next, Auto: true})
			if err != nil {
				b.Fatal(err)
			}
			for _, x := range m.doc.Members[1:] {
				m.of(x.ID).adopted = m.doc.Epoch
			}
			now := Time(0)
			b.ReportMetric(float64(len(m.encoded)), "document-bytes")
			b.ReportAllocs()
			for b.Loop() {
				now += Second
				m.Tick(now)
				m.Ready()
			}
			if m.conduct.wait == nil || m.conduct.wait.For != ring.WaitCopy {
				b.Fatalf("%v", m.conduct.wait)
			}
		})
	}
}
