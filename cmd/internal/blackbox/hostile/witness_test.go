//go:build blackbox

package hostile

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

const (
	witnessConns = 3
	witnessPace  = 5 * time.Millisecond // between the commands of one connection
)

// witness is the well-behaved client. Its connections send one command at a
// time and check each reply.
type witness struct {
	t    *testing.T
	stop chan struct{}
	wg   sync.WaitGroup

	mu     sync.Mutex
	hist   *hdrhistogram.Histogram // of the present scenario, in us
	count  int64
	errors []string
}

func newWitness(t *testing.T, addr string) *witness {
	t.Helper()
	w := &witness{t: t, stop: make(chan struct{}), hist: newHistogram()}
	for i := range witnessConns {
		c, err := harness.Connect(addr)
		if err != nil {
			t.Fatal(err)
		}
		w.wg.Go(func() {
			defer func() { _ = c.Close() }()
			w.run(c, i)
		})
	}
	t.Cleanup(w.end)
	return w
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, time.Minute.Microseconds(), 3)
}

// end stops the connections and waits for them. A second call does nothing.
func (w *witness) end() {
	select {
	case <-w.stop:
	default:
		close(w.stop)
	}
	w.wg.Wait()
}

func (w *witness) run(c *harness.Conn, id int) {
	tick := time.NewTicker(witnessPace)
	defer tick.Stop()
	key := fmt.Sprintf("witness:%d", id)
	for n := 0; ; n++ {
		select {
		case <-w.stop:
			return
		case <-tick.C:
		}
		value := fmt.Sprintf("%08d", n/3)
		var want string
		var args []string
		switch n % 3 {
		case 0:
			args, want = []string{"SET", key, value}, "+OK\r\n"
		case 1:
			args, want = []string{"GET", key}, "$8\r\n"+value+"\r\n"
		case 2:
			args, want = []string{"PING"}, "+PONG\r\n"
		}
		begin := time.Now()
		err := c.Send(harness.AppendCommand(nil, args...))
		var reply []byte
		if err == nil {
			reply, err = c.Receive()
		}
		w.note(time.Since(begin), args[0], string(reply), want, err)
		if err != nil {
			return
		}
	}
}

func (w *witness) note(took time.Duration, name, reply, want string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count++
	_ = w.hist.RecordValue(took.Microseconds()) // fails above a minute, where Receive failed before
	if err != nil {
		w.errors = append(w.errors, fmt.Sprintf("%s: %v", name, err))
	} else if reply != want {
		w.errors = append(w.errors, fmt.Sprintf("%s: %q, want %q", name, reply, want))
	}
}

// report ends a scenario: what it was like for others.
func (w *witness) report(t *testing.T) string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.errors) > 0 {
		t.Errorf("the well-behaved clients saw errors: %s", strings.Join(w.errors[:min(5, len(w.errors))], "; "))
	}
	text := fmt.Sprintf("others: %d commands, %d errors, p50 %s p99 %s max %s",
		w.count, len(w.errors), micros(w.hist.ValueAtQuantile(50)), micros(w.hist.ValueAtQuantile(99)), micros(w.hist.Max()))
	w.hist, w.count, w.errors = newHistogram(), 0, nil
	return text
}

func micros(us int64) string { return (time.Duration(us) * time.Microsecond).String() }
