//go:build blackbox

package chaos

import (
	"fmt"
	"time"
)

// agreeWithin is how long the nodes may disagree about a key once they hear each other.
const agreeWithin = 10 * time.Second

// settle reads every key from every node while the workers rest. It returns how
// many keys there are, and of how many a node showed something old at ONE before
// a read at a higher level repaired it: which is allowed.
func (s *scene) settle() (keys, apart int) {
	s.crew.gate.Lock()
	defer s.crew.gate.Unlock()
	defer s.crew.restart()
	clients := make([]*client, len(s.nodes))
	for i, n := range s.nodes {
		clients[i] = &client{node: n}
		defer func() { _ = clients[i].Close() }() // nothing is under way
	}
	check := func(key string, judge func(seen uint64) error) {
		keys++
		if seen, _ := readAll(clients, "ONE", key); !same(seen) {
			apart++
		}
		s.crew.wrong(agree(clients, key, judge))
	}
	s.crew.mu.Lock()
	ledgers, counters := s.crew.ledgers, s.crew.counters
	s.crew.mu.Unlock()
	for _, l := range ledgers {
		check(l.Key, func(seen uint64) error { return l.Judge(l.Floor(), seen) })
	}
	for _, c := range counters {
		check(c.Key, func(seen uint64) error { return c.Judge(c.Floor(), seen) })
	}
	return keys, apart
}

// agree waits until all nodes show the same at each level. What they show is
// judged even before.
func agree(clients []*client, key string, judge func(uint64) error) error {
	for end := time.Now().Add(agreeWithin); ; <-time.After(100 * time.Millisecond) {
		var all []uint64
		var last error
		for _, level := range []string{"QUORUM", "ALL", "ONE"} {
			seen, err := readAll(clients, level, key)
			if err != nil {
				last = err
				break
			}
			all = append(all, seen...)
			for i, v := range seen {
				if err := judge(v); err != nil {
					return fmt.Errorf("after healing, at %s from node %d: %w", level, i+1, err)
				}
			}
		}
		switch {
		case last == nil && same(all):
			return nil
		case time.Now().Before(end):
		case last != nil:
			return fmt.Errorf("after healing: %w", last)
		default:
			return fmt.Errorf("after healing %s differs by node, at QUORUM, ALL and ONE: %v", key, all)
		}
	}
}

func readAll(clients []*client, level, key string) ([]uint64, error) {
	var all []uint64
	for _, k := range clients {
		reply, end := k.do(AnswerWithin, "AT", level, "GET", key)
		if end != OK {
			return nil, fmt.Errorf("AT %s GET %s at node %d: %s %q", level, key, k.node.number, end, reply)
		}
		seen, err := number(reply)
		if err != nil {
			return nil, err
		}
		all = append(all, seen)
	}
	return all, nil
}

func same(seen []uint64) bool {
	for _, v := range seen {
		if v != seen[0] {
			return false
		}
	}
	return true
}
