package hlc

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// machine is a node's hardware: clocks that a test turns, and a disk that outlives the node's clock.
type machine struct {
	epoch   time.Time
	wall    time.Duration // of the wall clock, since epoch
	elapsed time.Duration // since the machine came up; never back
	ceiling object.HLC    // what the disk holds
	raised  int           // how often
	fails   error         // what the disk answers
}

func newMachine() *machine { return &machine{epoch: time.UnixMilli(1_700_000_000_000)} }

func (m *machine) boot(maxDrift time.Duration) *Clock {
	return New(Options{
		Now:       func() time.Time { return m.epoch.Add(m.wall) },
		Monotonic: func() time.Duration { return m.elapsed },
		Ceiling:   m.ceiling,
		Raise: func(to object.HLC) error {
			if m.fails != nil {
				return m.fails
			}
			if to <= m.ceiling {
				return fmt.Errorf("the ceiling fell from %d to %d", m.ceiling, to)
			}
			m.ceiling, m.raised = to, m.raised+1
			return nil
		},
		MaxDrift: maxDrift,
	})
}

// pass lets time pass.
func (m *machine) pass(d time.Duration) { m.wall, m.elapsed = m.wall+d, m.elapsed+d }

// at returns the first reading of the millisecond that lies ahead of what the wall clock shows.
func (m *machine) at(ahead time.Duration) object.HLC {
	return object.HLCOf(m.epoch.Add(m.wall + ahead).UnixMilli())
}

// issue issues n readings, making room when there is none, as a node does.
func issue(t interface{ Fatalf(string, ...any) }, c *Clock, n int) object.HLC {
	for range 3 {
		if first, ok := c.Tick(c.Physical(), n); ok {
			return first
		}
		if err := c.MakeRoom(Margin); err != nil {
			t.Fatalf("make room: %v", err)
		}
	}
	t.Fatalf("three times no room")
	return 0
}

func TestNothingIsIssuedWithoutRoom(t *testing.T) {
	m := newMachine()
	c := m.boot(0)
	if _, ok := c.Tick(c.Physical(), 1); ok || c.HasRoom(c.Physical()) {
		t.Fatal("room before the ceiling was raised")
	}
	if err := c.MakeRoom(Margin); err != nil || m.ceiling != m.at(Ahead) {
		t.Fatalf("ceiling %v, want %v: %v", m.ceiling, m.at(Ahead), err)
	}
	if first, ok := c.Tick(c.Physical(), 1); !ok || first != m.at(0) {
		t.Fatalf("first reading %v %v, want %v", first, ok, m.at(0))
	}
	m.pass(Ahead - Margin - time.Millisecond)
	if !c.HasRoom(c.Physical()) {
		t.Fatal("no room more than the margin below the ceiling")
	}
	m.pass(time.Millisecond)
	if c.HasRoom(c.Physical()) {
		t.Fatal("room although the margin is used up")
	}
	m.pass(Margin)
	if first, ok := c.Tick(c.Physical(), 1); ok {
		t.Fatalf("%v issued at the ceiling %v", first, m.ceiling)
	}
}

func TestRoomIsMadeOnce(t *testing.T) {
	m := newMachine()
	c := m.boot(0)
	for range 5 {
		if err := c.MakeRoom(Low); err != nil {
			t.Fatal(err)
		}
	}
	if m.raised != 1 {
		t.Fatalf("raised %d times", m.raised)
	}
	m.pass(Ahead - Low - time.Millisecond)
	if err := c.MakeRoom(Low); err != nil || m.raised != 1 {
		t.Fatalf("raised %d times before the room was low: %v", m.raised, err)
	}
	m.pass(time.Millisecond)
	if err := c.MakeRoom(Low); err != nil || m.raised != 2 {
		t.Fatalf("raised %d times when the room was low: %v", m.raised, err)
	}
}

func TestFailedRaiseLeavesTheClock(t *testing.T) {
	m := newMachine()
	c := m.boot(0)
	m.fails = errors.New("disk full")
	if err := c.MakeRoom(Margin); !errors.Is(err, m.fails) {
		t.Fatalf("MakeRoom: %v", err)
	}
	if first, ok := c.Tick(c.Physical(), 1); ok {
		t.Fatalf("%v issued below a ceiling that is not durable", first)
	}
}

// Ticks of one call are consecutive, and the counter runs over into the milliseconds.
func TestTicksAreConsecutive(t *testing.T) {
	m := newMachine()
	c := m.boot(0)
	a := issue(t, c, 3)
	if b := issue(t, c, 1); b != a+3 {
		t.Fatalf("%d after three ticks from %d", b, a)
	}
	issue(t, c, 1<<16)
	if b := issue(t, c, 1); b.Millis() != a.Millis()+1 {
		t.Fatalf("%v: the counter did not carry", b)
	}
}

// Readings issued at once by many are all different, ticks included.
func TestIssuedAtOnce(t *testing.T) {
	m := newMachine()
	c := m.boot(0)
	issue(t, c, 1)
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[object.HLC]bool{}
	for g := range 4 {
		wg.Go(func() {
			for i := range 500 {
				n := (g+i)%3 + 1
				first, ok := c.Tick(c.Physical(), n)
				if !ok {
					t.Error("no room")
					return
				}
				if i%50 == 0 {
					if err := c.Observe(first + 100); err != nil {
						t.Error(err)
					}
				}
				mu.Lock()
				for k := range n {
					if seen[first+object.HLC(k)] {
						t.Errorf("%v issued twice", first)
					}
					seen[first+object.HLC(k)] = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// A wall clock stepped back stops neither the present nor expiries; one stepped forth is followed, and then held.
func TestWallClockSteps(t *testing.T) {
	m := newMachine()
	c := m.boot(0)
	before := issue(t, c, 1)
	m.wall -= time.Hour
	m.pass(time.Second)
	if after := issue(t, c, 1); after.Millis() != before.Millis()+1000 {
		t.Fatalf("a second after %v, the wall clock an hour back: %v", before, after)
	}
	m.wall += 3 * time.Hour
	far := issue(t, c, 1)
	if far != m.at(0) {
		t.Fatalf("%v, the wall clock says %v", far, m.at(0))
	}
	m.wall -= 2 * time.Hour
	if c.Read() < far || issue(t, c, 1) <= far {
		t.Fatal("the clock fell behind what it had issued")
	}
}

func TestWithoutMonotonicTheClockHolds(t *testing.T) {
	m := newMachine()
	c := New(Options{Now: func() time.Time { return m.epoch.Add(m.wall).Round(0) }, Raise: func(object.HLC) error { return nil }})
	before := issue(t, c, 1)
	m.wall -= time.Hour
	if after := issue(t, c, 1); after != before+1 {
		t.Fatalf("%v after %v", after, before)
	}
}

// Whatever crashes, it does not add up: the present after a restart is not ahead of the readings before it.
func TestCrashesDoNotAddUp(t *testing.T) {
	m := newMachine()
	for life := range 100 {
		c := m.boot(0)
		if ahead := issue(t, c, 1).Millis() - m.at(0).Millis(); ahead > (Ahead + step).Milliseconds() {
			t.Fatalf("in life %d the clock is %d ms ahead", life+1, ahead)
		}
		m.pass(step)
		if err := c.MakeRoom(Low); err != nil {
			t.Fatal(err)
		}
	}
	m.pass(Ahead + step)
	if c := m.boot(0); issue(t, c, 1) != m.at(0) {
		t.Fatal("the clock is not back at the present after as long as it may be ahead")
	}
}

// A clock behind its ceiling because the wall clock was set back goes on by the monotonic clock.
func TestRestartWithTheWallClockBack(t *testing.T) {
	m := newMachine()
	last := issue(t, m.boot(0), 1)
	m.wall -= time.Hour
	c := m.boot(0)
	first := issue(t, c, 1)
	if first <= last {
		t.Fatalf("%v after %v", first, last)
	}
	m.pass(time.Minute)
	if got := issue(t, c, 1).Millis() - last.Millis(); got != time.Minute.Milliseconds() {
		t.Fatalf("%d ms passed in a minute", got)
	}
}

func TestEndOfTheRange(t *testing.T) {
	for _, ceiling := range []object.HLC{object.LastOf(object.MaxMillis) - 5, math.MaxUint64} {
		m := newMachine()
		m.ceiling = ceiling
		c := m.boot(0)
		if err := c.MakeRoom(Margin); err == nil {
			t.Fatalf("ceiling %x: room at the end of the range", ceiling)
		}
		for _, present := range []object.HLC{0, math.MaxUint64} {
			if first, ok := c.Tick(present, 1); ok {
				t.Fatalf("ceiling %x: %x issued", ceiling, first)
			}
		}
		if c.HasRoom(math.MaxUint64) {
			t.Fatalf("ceiling %x: room", ceiling)
		}
	}
}

// TestLives runs nodes through everything at once: time passes, the wall clock steps, peers' readings come in, rightly and
// wrongly, the disk refuses, and the node crashes, at times between the disk's write and the clock's notice of it.
func TestLives(t *testing.T) {
	for seed := range uint64(300) {
		lives(t, seed)
	}
}

func lives(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	m := newMachine()
	m.wall = time.Duration(r.IntN(1000)) * time.Hour
	c := m.boot(0)
	var issued, seen object.HLC // the greatest, in all lives and in this one
	for range 400 {
		m.pass(time.Duration(r.ExpFloat64() * float64(100*time.Millisecond)))
		present := c.Physical()
		switch r.IntN(10) {
		case 0:
			m.wall += time.Duration(r.NormFloat64() * float64(10*time.Second))
		case 1, 2:
			remote := object.HLC(int64(present)+int64(r.NormFloat64()*5000)<<16) + object.HLC(r.IntN(3))
			before := c.Latest()
			err := c.Observe(remote)
			if far := remote.Millis() - present.Millis(); (err != nil) != (remote > before && far > 5000) {
				t.Fatalf("seed %d: %d ms ahead: %v", seed, far, err)
			}
			if want := max(before, remote); err == nil && c.Latest() != want || err != nil && c.Latest() != before {
				t.Fatalf("seed %d: latest %v after observing %v at %v: %v", seed, c.Latest(), remote, before, err)
			}
			seen = max(seen, c.Latest())
		case 3:
			if m.fails = nil; r.IntN(3) == 0 {
				m.fails = errors.New("full")
			}
		case 4:
			_ = c.MakeRoom(Low)
		case 5:
			if r.IntN(4) == 0 { // a crash
				if r.IntN(2) == 0 { // after the disk took a ceiling that the clock has not heard of
					m.ceiling += object.HLCOf(int64(r.IntN(3000)))
				}
				c, seen, m.elapsed = m.boot(0), 0, 0
			}
		default:
			n := r.IntN(4) + 1
			first, ok := c.Tick(present, n)
			if !ok {
				if c.MakeRoom(Margin) != nil {
					continue
				}
				if first, ok = c.Tick(c.Physical(), n); !ok {
					t.Fatalf("seed %d: no room after it was made", seed)
				}
			}
			if first <= issued || first <= seen {
				t.Fatalf("seed %d: issued %d after %d, observed %d", seed, first, issued, seen)
			}
			if issued = first + object.HLC(n-1); issued >= m.ceiling {
				t.Fatalf("seed %d: %d issued, durable ceiling %d", seed, issued, m.ceiling)
			}
		}
	}
}

// With the process's own clocks the present is the wall clock's, read now and then, and it never falls behind.
func TestPhysicalFollowsTheWallClock(t *testing.T) {
	c := New(Options{Raise: func(object.HLC) error { return nil }})
	last := object.HLC(0)
	for end := time.Now().Add(40 * time.Millisecond); time.Now().Before(end); {
		before := time.Now().UnixMilli()
		got := c.Physical()
		after := time.Now().UnixMilli()
		if got.Millis() < before-1 || got.Millis() > after+1 {
			t.Fatalf("%d, want %d to %d", got.Millis(), before, after)
		}
		if got < last {
			t.Fatalf("%v after %v", got, last)
		}
		last = got
	}
	ahead := New(Options{Raise: func(object.HLC) error { return nil }, Ceiling: object.HLCOf(time.Now().UnixMilli() + 60000)})
	if got := ahead.Physical().Millis() - time.Now().UnixMilli(); got < 50000 {
		t.Errorf("%d ms ahead of the wall clock, want about what the ceiling asks for", got)
	}
}
