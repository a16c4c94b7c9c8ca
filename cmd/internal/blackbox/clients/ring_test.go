//go:build blackbox

package clients

import (
	"fmt"
	"testing"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// ringSizes are the rings that are tried: in one of three every node has every key, in one of five it has not.
func ringSizes() []int {
	if testing.Short() {
		return []int{3}
	}
	return []int{3, 5}
}

// TestRingClusterClients kills a node under cluster clients: once the one that they were given, once another.
func TestRingClusterClients(t *testing.T) {
	node := newModules(t.TempDir())
	for _, size := range ringSizes() {
		t.Run(fmt.Sprintf("%d_nodes", size), func(t *testing.T) {
			ring := harness.StartRing(t, size, harness.Options{})
			for i, of := range []string{"of the node", "of another"} {
				t.Run(of, func(t *testing.T) {
					loads := begin(t, ringClients(node, Cluster), " "+of, ring.Nodes[0])
					killRound(t, ring, loads, i)
					judge(t, size, loads)
				})
				for _, n := range ring.Nodes {
					ring.AwaitWhole(t, n)
				}
			}
		})
	}
}

// TestRingPlainClients kills a node under plain clients of which half are connected to it.
func TestRingPlainClients(t *testing.T) {
	node := newModules(t.TempDir())
	for _, size := range ringSizes() {
		t.Run(fmt.Sprintf("%d_nodes", size), func(t *testing.T) {
			ring := harness.StartRing(t, size, harness.Options{})
			loads := begin(t, ringClients(node, Forward), " of another", ring.Nodes[0])
			losing := begin(t, ringClients(node, Forward), " of the node", ring.Nodes[1])
			for _, l := range losing {
				l.loses = true
			}
			loads = append(loads, losing...)
			killRound(t, ring, loads, 1)
			judge(t, size, loads)
		})
	}
}
