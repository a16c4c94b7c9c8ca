package hlc

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

func TestObserve(t *testing.T) {
	const second = time.Second
	for _, tc := range []struct {
		name     string
		ahead    time.Duration
		maxDrift time.Duration
		refused  bool
	}{
		{"behind", -time.Hour, 0, false},
		{"the present", 0, 0, false},
		{"a little ahead", time.Millisecond, 0, false},
		{"as far as is accepted", 5 * second, 0, false},
		{"a millisecond more", 5*second + time.Millisecond, 0, true},
		{"far", time.Hour, 0, true},
		{"as far as these options accept", time.Minute, time.Minute, false},
		{"a millisecond more than these", time.Minute + time.Millisecond, time.Minute, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMachine()
			c := m.boot(tc.maxDrift)
			before := issue(t, c, 1)
			remote := m.at(tc.ahead) + 7 // ticks of the counter are no drift
			err := c.Observe(remote)
			if !tc.refused {
				if err != nil {
					t.Fatal(err)
				}
				if next := issue(t, c, 1); next <= remote || next <= before {
					t.Fatalf("issued %v after observing %v", next, remote)
				}
				return
			}
			var drift *DriftError
			if !errors.As(err, &drift) || !errors.Is(err, ErrDrift) {
				t.Fatalf("error %v", err)
			}
			if want := max(tc.maxDrift, 0); drift.Ahead != tc.ahead || want != 0 && drift.Max != want || drift.Max == 0 {
				t.Fatalf("drift %+v, want %v ahead", drift, tc.ahead)
			}
			if c.Latest() != before {
				t.Fatalf("a refused reading moved the clock from %v to %v", before, c.Latest())
			}
		})
	}
}

func TestObserveTheEndOfTime(t *testing.T) {
	c := newMachine().boot(0)
	var drift *DriftError
	if err := c.Observe(math.MaxUint64); !errors.As(err, &drift) || drift.Ahead < 250*365*24*time.Hour {
		t.Fatalf("error %v", err)
	}
}

// A node whose wall clock was an hour ahead for a time meets its own stamps again: they are no reason to refuse itself.
func TestObserveOwnPast(t *testing.T) {
	m := newMachine()
	c := m.boot(0)
	m.wall += time.Hour
	own := issue(t, c, 1)
	m.wall -= time.Hour
	if err := c.Observe(own); err != nil {
		t.Fatal(err)
	}
	if err := c.Observe(own + 1); !errors.Is(err, ErrDrift) {
		t.Fatalf("another's reading an hour ahead: %v", err)
	}
}

// A reading at or above the ceiling stops the issue until the ceiling is above it, durably.
func TestObserveBeyondTheCeiling(t *testing.T) {
	for name, to := range map[string]func(m *machine) object.HLC{
		"two below":  func(m *machine) object.HLC { return m.ceiling - 2 },
		"just below": func(m *machine) object.HLC { return m.ceiling - 1 },
		"at":         func(m *machine) object.HLC { return m.ceiling },
		"beyond":     func(m *machine) object.HLC { return m.at(DefaultMaxDrift) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine()
			c := m.boot(0)
			issue(t, c, 1)
			remote := to(m)
			if err := c.Observe(remote); err != nil {
				t.Fatal(err)
			}
			if first, ok := c.Tick(c.Physical(), 1); ok {
				t.Fatalf("%d issued after %d, ceiling %d", first, remote, m.ceiling)
			}
			if c.HasRoom(c.Physical()) {
				t.Fatal("room at the ceiling")
			}
			for _, low := range []time.Duration{Margin, Low} {
				if err := c.MakeRoom(low); err != nil {
					t.Fatal(err)
				}
				if !c.HasRoom(c.Physical()) || m.ceiling.Millis()-m.at(0).Millis() <= low.Milliseconds() {
					t.Fatalf("ceiling %v with the present at %v, observed %v, asked for %v", m.ceiling, m.at(0), remote, low)
				}
			}
			if first, ok := c.Tick(c.Physical(), 3); !ok || first != remote+1 {
				t.Fatalf("%d issued after %d", first, remote)
			}
		})
	}
}

// A crash after a peer took the clock ahead: what was issued there is not issued again, and the present is no further
// ahead than the peer was.
func TestCrashAfterObserve(t *testing.T) {
	m := newMachine()
	remote := m.at(DefaultMaxDrift)
	var last object.HLC
	for range 50 {
		c := m.boot(0)
		if err := c.Observe(remote); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			first := issue(t, c, 5)
			if first <= last || first <= remote {
				t.Fatalf("%d issued after %d, observed %d", first, last, remote)
			}
			last = first + 4
		}
		if err := c.MakeRoom(Low); err != nil {
			t.Fatal(err)
		}
		if present := m.boot(0).Physical(); present > last {
			t.Fatalf("after a crash the present is %v, the latest reading was %v", present, last)
		}
	}
}

// Two nodes that follow each other's readings do not drive each other on: drift is measured from the present.
func TestObserveIsNoRatchet(t *testing.T) {
	m := newMachine()
	a, b := m.boot(0), m.boot(0)
	if err := a.Observe(m.at(DefaultMaxDrift)); err != nil {
		t.Fatal(err)
	}
	ceilings := New(Options{Now: func() time.Time { return m.epoch.Add(m.wall) }, Raise: func(object.HLC) error { return nil }})
	for range 1000 {
		for _, c := range []*Clock{b, ceilings, a} {
			if err := c.Observe(max(a.Latest(), b.Latest())); err != nil {
				t.Fatal(err)
			}
		}
	}
	if a.Latest() != m.at(DefaultMaxDrift) {
		t.Fatalf("latest %v", a.Latest())
	}
	if err := b.Observe(m.at(DefaultMaxDrift + time.Second)); !errors.Is(err, ErrDrift) {
		t.Fatalf("further ahead: %v", err)
	}
}
