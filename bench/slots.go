package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

const slotCount = 16384

// slotMap tells which node serves a slot, as a cluster client learns it from CLUSTER SLOTS.
type slotMap struct {
	addrs []string
	of    [slotCount]int // index into addrs
}

// askSlots asks a node of the cluster.
func askSlots(ctx context.Context, addr string) (*slotMap, error) {
	client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	slots := redis.NewClusterSlotsCmd(ctx, "cluster", "slots")
	if err := errors.Join(client.Process(ctx, slots), client.Close()); err != nil {
		return nil, fmt.Errorf("bench: CLUSTER SLOTS of %s: %w", addr, err)
	}
	m, err := newSlotMap(slots.Val())
	if err != nil {
		return nil, fmt.Errorf("bench: CLUSTER SLOTS of %s: %w", addr, err)
	}
	return m, nil
}

// newSlotMap refuses a map that leaves slots out or names one twice: load over a part of the slots would be no load of the
// cluster.
func newSlotMap(slots []redis.ClusterSlot) (*slotMap, error) {
	m := &slotMap{}
	for i := range m.of {
		m.of[i] = -1
	}
	index := map[string]int{}
	for _, r := range slots {
		if len(r.Nodes) == 0 || r.Start < 0 || r.End >= slotCount || r.Start > r.End {
			return nil, fmt.Errorf("slots %d to %d on %d nodes make no sense", r.Start, r.End, len(r.Nodes))
		}
		addr := r.Nodes[0].Addr
		at, ok := index[addr]
		if !ok {
			at = len(m.addrs)
			index[addr], m.addrs = at, append(m.addrs, addr)
		}
		for s := r.Start; s <= r.End; s++ {
			if m.of[s] >= 0 {
				return nil, fmt.Errorf("slot %d is named twice", s)
			}
			m.of[s] = at
		}
	}
	for s, at := range m.of {
		if at < 0 {
			return nil, fmt.Errorf("slot %d is served by nobody", s)
		}
	}
	return m, nil
}

// same reports whether two maps send every key to the same address.
func (m *slotMap) same(o *slotMap) bool {
	for s := range m.of {
		if m.addrs[m.of[s]] != o.addrs[o.of[s]] {
			return false
		}
	}
	return true
}

// split gives each node the numbers of its keys.
func (m *slotMap) split(prefix string, keys int64) [][]int64 {
	lists := make([][]int64, len(m.addrs))
	var key []byte
	for n := range keys {
		key = appendKey(key[:0], prefix, n)
		at := m.of[keySlot(key)]
		lists[at] = append(lists[at], n)
	}
	return lists
}

// keySlot is the slot of a key, or of what stands between its first braces.
func keySlot(key []byte) int {
	if _, rest, ok := strings.Cut(string(key), "{"); ok {
		if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
			return int(crc16([]byte(tag)) % slotCount)
		}
	}
	return int(crc16(key) % slotCount)
}

// crc16 is CRC-16/XMODEM: polynomial 0x1021, nothing inverted or reflected.
func crc16(b []byte) uint16 {
	var crc uint16
	for _, c := range b {
		crc ^= uint16(c) << 8
		for range 8 {
			top := crc & 0x8000
			crc <<= 1
			if top != 0 {
				crc ^= 0x1021
			}
		}
	}
	return crc
}
