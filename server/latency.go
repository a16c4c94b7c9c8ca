package server

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rondokv/rondo/resp"
)

// Events of the latency monitor, by Redis's names.
const (
	eventCommand     = "command"
	eventFastCommand = "fast-command" // commands that should never take long
)

// latencySamples is how many samples an event keeps, one a second, as in Redis.
const latencySamples = 160

// latencyMonitor keeps the commands that took at least a threshold, for LATENCY.
type latencyMonitor struct {
	mu     sync.Mutex
	events map[string]*latencySeries
}

type latencySample struct{ unix, ms int64 }

// latencySeries is the latest samples of one event, oldest first.
type latencySeries struct {
	samples []latencySample
	worst   int64 // ms, ever
}

// add keeps a sample. Of those within one second the worst stays.
func (m *latencyMonitor) add(event string, now time.Time, d time.Duration) {
	ms := d.Milliseconds()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.events == nil {
		m.events = make(map[string]*latencySeries)
	}
	s := m.events[event]
	if s == nil {
		s = new(latencySeries)
		m.events[event] = s
	}
	s.worst = max(s.worst, ms)
	if n := len(s.samples); n > 0 && s.samples[n-1].unix == now.Unix() {
		s.samples[n-1].ms = max(s.samples[n-1].ms, ms)
		return
	}
	if len(s.samples) == latencySamples {
		s.samples = s.samples[:copy(s.samples, s.samples[1:])]
	}
	s.samples = append(s.samples, latencySample{now.Unix(), ms})
}

// latest is LATENCY LATEST: event, time, latest and worst ms, by name.
func (m *latencyMonitor) latest() resp.Value {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rows []resp.Value
	for _, event := range slices.Sorted(maps.Keys(m.events)) {
		s := m.events[event]
		last := s.samples[len(s.samples)-1]
		rows = append(rows, resp.Array(resp.BulkString(event), resp.Int(last.unix), resp.Int(last.ms), resp.Int(s.worst)))
	}
	return resp.Array(rows...)
}

func (m *latencyMonitor) history(event string) resp.Value {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rows []resp.Value
	if s := m.events[event]; s != nil {
		for _, p := range s.samples {
			rows = append(rows, resp.Array(resp.Int(p.unix), resp.Int(p.ms)))
		}
	}
	return resp.Array(rows...)
}

// reset forgets the named events, all when none is named, and tells how many there were.
func (m *latencyMonitor) reset(events [][]byte) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(events) == 0 {
		n := len(m.events)
		clear(m.events)
		return n
	}
	n := 0
	for _, e := range events {
		if _, ok := m.events[string(e)]; ok {
			delete(m.events, string(e))
			n++
		}
	}
	return n
}
