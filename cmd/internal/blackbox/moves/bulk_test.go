//go:build blackbox

package moves

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/rondokv/rondo/cmd/internal/blackbox/chaos"
	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// bulk is keys that are loaded once, and never written again.
type bulk struct{ keys int }

const (
	valueBytes = 100
	batch      = 100 // commands that are sent before their replies are read
)

func bulkKey(i int) string { return fmt.Sprintf("bulk:%d", i) }

func bulkValue(i int) string {
	head := fmt.Sprintf("%d:", i)
	return head + strings.Repeat(string(rune('a'+i%26)), valueBytes-len(head))
}

// load writes the keys through the forward faces of all nodes.
func (b bulk) load(t *testing.T, nodes []*harness.Node) {
	t.Helper()
	b.each(t, nodes, func(i int) ([]string, string) { return []string{"SET", bulkKey(i), bulkValue(i)}, "+OK\r\n" })
}

// check reads all keys and returns how many do not show what was written.
func (b bulk) check(t *testing.T, nodes []*harness.Node) int {
	t.Helper()
	return b.each(t, nodes, func(i int) ([]string, string) {
		return []string{"GET", bulkKey(i)}, fmt.Sprintf("$%d\r\n%s\r\n", valueBytes, bulkValue(i))
	})
}

// each sends a command for each key, again where a machine that is busy has the node refuse it, and counts the replies that are
// not as they must.
func (b bulk) each(t *testing.T, nodes []*harness.Node, command func(i int) (args []string, want string)) (wrong int) {
	t.Helper()
	var mu sync.Mutex
	var working sync.WaitGroup
	for at, n := range nodes {
		c := harness.Dial(t, n.Forward)
		working.Go(func() {
			for from := at * batch; from < b.keys; from += batch * len(nodes) {
				bad, err := oneBatch(c, from, min(from+batch, b.keys), command)
				mu.Lock()
				wrong += len(bad)
				if err != nil || len(bad) > 0 && wrong-len(bad) < mostComplaints {
					t.Errorf("%s: %q %v", n.Forward, bad[:min(len(bad), 3)], err)
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	working.Wait()
	return wrong
}

const tries = 10

func oneBatch(c *harness.Conn, from, to int, command func(int) ([]string, string)) (bad []string, err error) {
	var ask []int
	for i := from; i < to; i++ {
		ask = append(ask, i)
	}
	for try := range tries {
		var out []byte
		for _, i := range ask {
			args, _ := command(i)
			out = harness.AppendCommand(out, args...)
		}
		if err := c.Send(out); err != nil {
			return nil, err
		}
		var again []int
		for _, i := range ask {
			reply, err := c.Receive()
			if err != nil {
				return bad, err
			}
			args, want := command(i)
			switch end := chaos.OutcomeOf(reply); {
			case (end == chaos.Timeout || end == chaos.Refused) && try < tries-1:
				again = append(again, i)
			case string(reply) != want:
				bad = append(bad, fmt.Sprintf("%s %s: %.80s", args[0], args[1], reply))
			}
		}
		if ask = again; len(ask) == 0 {
			break
		}
	}
	return bad, nil
}
