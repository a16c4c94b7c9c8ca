package clients

import (
	"strings"
	"sync"
)

// Shares counts what each client sent to each node of a ring, from what the nodes themselves show with MONITOR: the commands
// that they ran, without those that they sent elsewhere with MOVED.
type Shares struct {
	mu     sync.Mutex
	counts map[string][]int // by client and node
}

// NewShares counts nothing yet.
func NewShares() *Shares { return &Shares{counts: map[string][]int{}} }

// Note counts a line of MONITOR of one node out of so many: +1700000000.123456 [0 127.0.0.1:1234] "SET" "client:{t1}" "5".
func (s *Shares) Note(node, nodes int, line string) {
	args := strings.Split(line, `"`)
	if len(args) < 4 {
		return
	}
	client, _, isKey := strings.Cut(args[3], ":{")
	if !isKey {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts[client] == nil {
		s.counts[client] = make([]int, nodes)
	}
	s.counts[client][node]++
}

// Of is how many commands of a client each node ran.
func (s *Shares) Of(client string, nodes int) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make([]int, nodes)
	copy(counts, s.counts[client])
	return counts
}

// Between is the part of a client's commands between two counts that one node ran, of how many.
func Between(before, after []int, node int) (part float64, total int) {
	for i := range after {
		total += after[i] - before[i]
	}
	if total == 0 {
		return 0, 0
	}
	return float64(after[node]-before[node]) / float64(total), total
}

// Even says whether a part of what nodes share is within 10 % of equal.
func Even(part float64, nodes int) bool {
	equal := 1 / float64(nodes)
	return part >= 0.9*equal && part <= 1.1*equal
}
