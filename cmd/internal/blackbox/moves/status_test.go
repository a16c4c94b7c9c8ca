//go:build blackbox

package moves

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/clients"
	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
	"github.com/rondokv/rondo/engine"
	"github.com/rondokv/rondo/engine/object"
)

// status is what rondo admin ring status --json tells, and the page of the node that it shows.
type status struct {
	Epoch     uint64   `json:"epoch"`
	Stage     string   `json:"stage"`
	Conductor string   `json:"conductor"`
	Moves     int      `json:"moves"`
	Bound     int      `json:"bound"`
	Moving    int      `json:"moving"`
	Wait      string   `json:"wait"`
	Waiting   []member `json:"waiting"`
	Members   []member `json:"members"`
	Rate      float64  `json:"rate_bytes"` // of the asked node
}

type member struct {
	ID             string  `json:"id"`
	Client         string  `json:"client"`
	Alive          bool    `json:"alive"`
	Vnodes         int     `json:"vnodes"`
	Share          float64 `json:"share"`
	Leaving        bool    `json:"leaving"`
	Adopted        uint64  `json:"adopted"`
	PartitionsDone int     `json:"partitions_done"`
	PartitionsLeft int     `json:"partitions_left"`
	BytesDone      uint64  `json:"bytes_done"`
	BytesLeft      uint64  `json:"bytes_left"`
}

// of finds a member by the address that clients use.
func (s *status) of(n *harness.Node) *member {
	for i := range s.Members {
		if s.Members[i].Client == n.Clients {
			return &s.Members[i]
		}
	}
	return nil
}

func (s *status) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %d, %s, waits for %q", s.Epoch, s.Stage, s.Wait)
	for _, m := range s.Members {
		fmt.Fprintf(&b, "; %s alive %v leaving %v adopted %d, %d vnodes, %d done %d left, %d bytes", m.Client, m.Alive, m.Leaving, m.Adopted, m.Vnodes,
			m.PartitionsDone, m.PartitionsLeft, m.BytesDone)
	}
	for _, m := range s.Waiting {
		fmt.Fprintf(&b, "; %s waits", m.Client)
	}
	return b.String()
}

func statusOf(n *harness.Node) (s status, err error) {
	out, err := n.Page("/admin/ring") // a process for each look would cost more than what it looks at
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(out, &s)
}

const (
	lookEvery = 150 * time.Millisecond
	// changeWithin is how long a change may take that is not held back.
	changeWithin = 3 * time.Minute
)

// await looks at a ring until what is said of it is true, and returns how it is then.
func await(t *testing.T, n *harness.Node, within time.Duration, what string, until func(*status) bool) status {
	t.Helper()
	var last status
	var err error
	for end := time.Now().Add(within); ; <-time.After(lookEvery) {
		var s status
		if s, err = statusOf(n); err == nil {
			if last = s; until(&s) {
				return s
			}
		}
		if time.Now().After(end) {
			t.Fatalf("not %s within %v: %s (%v)", what, within, &last, err)
		}
	}
}

// calm says whether nothing is under way, nor about to be.
func calm(s *status) bool {
	if s.Stage != "stable" || len(s.Waiting) > 0 {
		return false
	}
	for _, m := range s.Members {
		if m.Leaving || m.PartitionsLeft > 0 {
			return false
		}
	}
	return true
}

// placementOf asks for a key in each partition who holds it, in the order of the lists. It waits for the answers of all.
func placementOf(t *testing.T, n *harness.Node) (p Placement) {
	t.Helper()
	address := regexp.MustCompile(`address\r\n\$[0-9]+\r\n([^\r]+)\r\n`)
	c := harness.Dial(t, n.Forward)
	for _, key := range clients.EvenKeys() {
		reply := c.Do("KEYINFO", key)
		homes, _, _ := strings.Cut(reply, "$5\r\nhints\r\n")
		var list []string
		for _, found := range address.FindAllStringSubmatch(homes, -1) {
			list = append(list, found[1])
		}
		if len(list) == 0 {
			t.Fatalf("KEYINFO %s: %q", key, reply)
		}
		p = append(p, list)
	}
	return p
}

// rowsIn counts the rows and the hints in the directory of a node that does not run.
func rowsIn(t *testing.T, n *harness.Node) (rows, hints int) {
	t.Helper()
	s, err := engine.Open(n.Dir, engine.Options{})
	if err != nil {
		t.Fatalf("open what %s has left: %v", n.Clients, err)
	}
	for space, count := range map[byte]*int{object.SpaceData: &rows, object.SpaceHint: &hints} {
		err := s.Scan([]byte{space}, []byte{space + 1}, func(_, _ []byte) bool {
			*count++
			return true
		})
		if err != nil {
			t.Error(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return rows, hints
}
