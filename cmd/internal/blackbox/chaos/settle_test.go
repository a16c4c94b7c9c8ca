//go:build blackbox

package chaos

import (
	"bytes"
	"fmt"
	"time"
)

// agreeWithin is how long the nodes may disagree about a key once they hear each other.
const agreeWithin = 10 * time.Second

// arriveWithin is how long a write at ONE or ANY may take to reach all home replicas then.
const arriveWithin = 15 * time.Second

// settled is what was found after a fault had healed.
type settled struct {
	keys  int // looked for
	apart int // of them not the same on every node before anything repaired them, which is allowed
	loose int // of those written at ONE and ANY: not there at ONE at some node
}

// settle reads every key from every node while the workers rest.
func (s *scene) settle() (found settled) {
	s.crew.gate.Lock()
	defer s.crew.gate.Unlock()
	defer s.crew.restart()
	clients := make([]*client, len(s.nodes))
	for i, n := range s.nodes {
		clients[i] = newClient(n)
	}
	defer closeAll(clients)
	check := func(key string, judge func(seen uint64) error) {
		found.keys++
		if seen, _ := readAll(clients, "ONE", key); !same(seen) {
			found.apart++
		}
		s.crew.wrong(Lost, agree(clients, key, judge))
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
	for _, one := range s.crew.scribblers {
		for _, key := range one.acked {
			found.keys++
			if !everywhere(clients, key) {
				found.loose++
			}
			s.crew.wrong(Lost, arrives(clients, key))
		}
		one.acked = nil
	}
	return found
}

// everywhere tells whether every node shows a key at ONE, which is its own row where it is a home replica.
func everywhere(clients []*client, key string) bool {
	for _, k := range clients {
		if reply, end := k.do(AnswerWithin, "AT", "ONE", "GET", key); end != OK || !shows(reply, key) {
			return false
		}
	}
	return true
}

// arrives waits until a key that was acknowledged at ONE or ANY shows at ALL, from any node.
func arrives(clients []*client, key string) error {
	for end := time.Now().Add(arriveWithin); ; <-time.After(100 * time.Millisecond) {
		var reply []byte
		var outcome Outcome
		there := 0
		for _, k := range clients {
			if reply, outcome = k.do(AnswerWithin, "AT", "ALL", "GET", key); outcome != OK || !shows(reply, key) {
				break
			}
			there++
		}
		if there == len(clients) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s was acknowledged; %v after healing node %d says at ALL: %s %q", key, arriveWithin, there+1, outcome, reply)
		}
	}
}

func shows(reply []byte, value string) bool {
	return bytes.HasSuffix(reply, []byte("\r\n"+value+"\r\n"))
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
		seen, err := Number(reply)
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
