package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/engine/object"
)

// A partition is the dynamo.Host of its core, which calls it in a step: with the mutex held, and with the present that the
// step began at, so that a step reads the wall clock once.
var _ dynamo.Host = (*partition)(nil)

// Get implements dynamo.Host.
func (p *partition) Get(dst, key []byte) ([]byte, error) { return p.node.store.Get(dst, key) }

// Scan implements dynamo.Host.
func (p *partition) Scan(lo, hi []byte, fn func(key, row []byte) bool) error {
	return p.node.store.Scan(lo, hi, fn)
}

// Now implements dynamo.Host.
func (p *partition) Now() object.HLC { return max(p.present, p.node.clock.Latest()) }

// Tick implements dynamo.Host. All that this node stamped or took in is behind its clock, so above is ahead of it only if the
// clock was taken from it: then the clock follows, as far as it would follow a peer's.
func (p *partition) Tick(above object.HLC, n int) (object.HLC, bool) {
	clock := p.node.clock
	if above > clock.Latest() {
		if err := clock.Observe(above); err != nil {
			return 0, false
		}
	}
	return clock.Tick(p.present, n)
}

// Observe implements dynamo.Host. A reading that the ceiling leaves no room for is refused: nobody may wait for a ceiling
// under the mutex. There is never room for one that is too far ahead, and it is refused for that.
func (p *partition) Observe(peer object.HLC) error {
	clock := p.node.clock
	if peer <= clock.Latest() {
		return nil
	}
	if err := clock.Check(peer); err != nil {
		return err
	}
	if !clock.HasRoom(peer) {
		return fmt.Errorf("observe a peer's clock: %w", dynamo.ErrClockCeiling)
	}
	return clock.Observe(peer)
}

// Alive implements dynamo.Host.
func (p *partition) Alive(id object.NodeID) bool { return p.node.hears(id) }

// HintRoom implements dynamo.Host.
func (p *partition) HintRoom() bool { return p.node.hints.room() }

const (
	// paceReads is how many reads a partition counts by itself before it tells of them, which takes a mutex of the node.
	paceReads = 16
	// paceSample is how many answers go by until one is told.
	paceSample = 8
)

// ReadBegins implements dynamo.Host.
func (p *partition) ReadBegins() dynamo.Time {
	pace := &p.node.pace
	if p.reads++; p.reads%paceReads == 0 {
		pace.mu.Lock()
		pace.slow.Store(int64(pace.ReadsBegin(paceReads)))
		pace.mu.Unlock()
	}
	return dynamo.Time(pace.slow.Load())
}

// ReadTook implements dynamo.Host.
func (p *partition) ReadTook(t dynamo.Time) {
	if p.answers++; p.answers%paceSample != 0 {
		return
	}
	pace := &p.node.pace
	pace.mu.Lock()
	defer pace.mu.Unlock()
	pace.ReadTook(t)
}

// Speculate implements dynamo.Host.
func (p *partition) Speculate(questions int) bool {
	pace := &p.node.pace
	pace.mu.Lock()
	defer pace.mu.Unlock()
	return pace.Speculate(questions)
}

// pace is dynamo.Pace for all partitions of the node.
type pace struct {
	slow atomic.Int64 // what Pace said last, a dynamo.Time

	mu sync.Mutex
	dynamo.Pace
}

// Random implements dynamo.Host.
func (p *partition) Random() uint64 { return rand.Uint64() }

// Parse implements dynamo.Host.
func (p *partition) Parse(slot object.Slot, body []byte) (dynamo.PassedOp, error) {
	if op, ok, err := parseFlush(body); ok {
		return op, err
	}
	if p.node.parse == nil {
		return nil, errNoPeers
	}
	return p.node.parse(slot, body)
}

var errNoPeers = errors.New("cluster: operations of peers are not taken")
