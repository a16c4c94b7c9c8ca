//go:build blackbox

package chaos

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// keysOfLevels are enough to have keys whose primary is the dead node, and others.
const keysOfLevels = 32

// TestLevelsWithOneDead: of three nodes one is dead, and each level says what it
// can still promise, by name.
func TestLevelsWithOneDead(t *testing.T) {
	c := startCluster(t, 3)
	dead := c.nodes[2]
	dead.unable.Add(1)
	c.kill(dead)
	for _, n := range c.nodes[:2] {
		c.await(n, "AT QUORUM SET levels:ready 1", readyWithin)
	}
	for i, n := range c.nodes[:2] {
		cluster := harness.Dial(t, n.listen)
		for k := range keysOfLevels {
			forward := harness.Dial(t, n.forward) // a new one: WAIT is about all that a connection has written
			key := fmt.Sprintf("levels:%d:%d", i, k)
			expect(t, forward, "+OK", "SET", key, "quorum")
			waits(t, forward, "2")
			for _, level := range []string{"ONE", "ANY", "TWO", "QUORUM"} {
				expect(t, forward, "+OK", "AT", level, "SET", key, level)
				expect(t, forward, "$"+fmt.Sprint(len(level))+"\r\n"+level, "AT", level, "GET", key)
			}
			for _, level := range []string{"ALL", "THREE"} {
				expect(t, forward, "-UNAVAILABLE need 3 of 3 home replicas, 2 reachable", "AT", level, "SET", key, "never")
				expect(t, forward, "-UNAVAILABLE need 3 of 3 home replicas, 2 reachable", "AT", level, "GET", key)
				expectOr(t, cluster, "-CLUSTERDOWN UNAVAILABLE need 3 of 3 home replicas, 2 reachable", "-MOVED ", "AT", level, "SET", key, "never")
			}
			expect(t, forward, "$6\r\nQUORUM", "AT", "ONE", "GET", key) // what was refused is nowhere
			expect(t, forward, "+OK", "AT", "ONE", "SET", key, "one")
			waits(t, forward, "1")
		}
		expect(t, cluster, "-ERR ", "AT", "FOUR", "GET", "levels:0:0")
	}
}

// waits checks WAIT after a write: as many hold it as were acknowledged, or two if the node has found that out, since two
// nodes live. It never says more.
func waits(t *testing.T, c *harness.Conn, acked string) {
	t.Helper()
	began := time.Now()
	expectOr(t, c, ":2\r\n", ":"+acked+"\r\n", "WAIT", "3", "100")
	if took := time.Since(began); took > AnswerWithin {
		t.Errorf("WAIT 3 100 took %v", took)
	}
}

func expect(t *testing.T, c *harness.Conn, want string, args ...string) {
	t.Helper()
	expectOr(t, c, want, want, args...)
}

func expectOr(t *testing.T, c *harness.Conn, want, or string, args ...string) {
	t.Helper()
	if got := c.Do(args...); !strings.HasPrefix(got, want) && !strings.HasPrefix(got, or) {
		t.Errorf("%s: %q, expected %q", strings.Join(args, " "), got, want)
	}
}
