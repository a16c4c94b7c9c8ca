package gossip

import (
	"bytes"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

func TestGoodbyeBytes(t *testing.T) {
	m := goodbye{3, 1 << 63}
	b := m.appendTo(nil)
	if got, ok := parseGoodbye(append(b, 9)); !ok || got != m {
		t.Errorf("%+v %v", got, ok)
	}
	for _, bad := range [][]byte{nil, b[:len(b)-1], append([]byte{2}, b[1:]...), append([]byte{1, 7}, b[2:]...)} {
		if _, ok := parseGoodbye(bad); ok {
			t.Errorf("took %x", bad)
		}
	}
	// An alive message of the same life that comes late takes nothing back; a new life does.
	now, tab := time.Unix(1000, 0), newTable(1, DefaultHoldDown())
	life := announcement{Meta: Meta{Weight: 1}, incarnation: 5}
	tab.rose(now, 2, life, "a:1")
	tab.answered(now, 2, 5, 0)
	tab.judge(now)
	if tab.parting(2, 4) || !tab.parting(2, 5) || tab.parting(2, 5) {
		t.Error("parting of the wrong life, or twice")
	}
	tab.rose(now, 2, life, "a:1")
	if tab.judge(now); tab.entries[2].state != Left || len(tab.entries[2].falls) > 0 {
		t.Errorf("%v after its goodbye", tab.entries[2].state)
	}
	life.incarnation++
	tab.rose(now, 2, life, "a:1")
	tab.answered(now, 2, 6, 0)
	if tab.judge(now); tab.entries[2].state != Alive {
		t.Errorf("%v after its return", tab.entries[2].state)
	}
}

func TestNames(t *testing.T) {
	for _, id := range []object.NodeID{1, 0xdeadbeef, 1<<64 - 1} {
		if got, ok := parseName(nodeName(id)); !ok || got != id {
			t.Errorf("%v: %v %v", id, got, ok)
		}
	}
	for _, s := range []string{"", "1", "0000000000000000", "000000000000000G", "00000000DEADBEEF", "+000000000000001", "00000000000000001"} {
		if id, ok := parseName(s); ok {
			t.Errorf("%q is %v", s, id)
		}
	}
}

func TestHoldDown(t *testing.T) {
	h := HoldDown{Falls: 3, Window: time.Minute, First: 10 * time.Second, Max: time.Minute}
	base := time.Unix(1000, 0)
	at := func(secs ...int) []time.Time {
		var out []time.Time
		for _, s := range secs {
			out = append(out, base.Add(time.Duration(s)*time.Second))
		}
		return out
	}
	for _, c := range []struct {
		falls []time.Time
		until int // 0: not held
	}{
		{nil, 0},
		{at(1), 0},
		{at(1, 2), 0},
		{at(1, 2, 3), 13},
		{at(1, 2, 3, 4), 24},
		{at(1, 2, 3, 4, 5), 45},
		{at(1, 2, 3, 4, 5, 6), 66}, // bounded
		{at(1, 2, 3, 4, 5, 6, 7, 8, 9), 69},
		{at(1, 2, 100), 0},
		{at(1, 2, 62, 63), 0}, // two within the minute before the last
		{at(1, 2, 30, 59), 79},
	} {
		want := time.Time{}
		if c.until > 0 {
			want = base.Add(time.Duration(c.until) * time.Second)
		}
		if got := h.Until(c.falls); !got.Equal(want) {
			t.Errorf("%v: until %v, want %v", c.falls, got.Unix(), want.Unix())
		}
	}
	if until := (HoldDown{}).Until(at(1, 2, 3)); !until.IsZero() {
		t.Error("a zero policy holds")
	}
}

func TestUnheardBy(t *testing.T) {
	v := func(by object.NodeID, unheard ...object.NodeID) vote { return vote{by, unheard} }
	for name, c := range map[string]struct {
		votes []vote
		want  []object.NodeID
	}{
		"nobody complains":           {[]vote{v(1), v(2), v(3)}, nil},
		"one of two others":          {[]vote{v(1, 3), v(2), v(3)}, nil},
		"both others":                {[]vote{v(1, 3), v(2, 3), v(3)}, []object.NodeID{3}},
		"its own complaints do not":  {[]vote{v(1, 3), v(2, 3), v(3, 1)}, []object.NodeID{3}},
		"two of four others":         {[]vote{v(1, 5), v(2, 5), v(3), v(4), v(5)}, nil},
		"three of four others":       {[]vote{v(1, 5), v(2, 5), v(3, 5), v(4), v(5)}, []object.NodeID{5}},
		"who complains of most":      {[]vote{v(1, 2, 3, 4), v(2), v(3), v(4)}, nil},
		"two such do not make three": {[]vote{v(1, 3, 4, 5), v(2, 3, 4, 5), v(3), v(4), v(5)}, nil},
		"half against half":          {[]vote{v(1, 4, 5, 6), v(2, 4, 5, 6), v(3, 4, 5, 6), v(4), v(5), v(6)}, nil},
		"alone against one":          {[]vote{v(1, 2), v(2, 1)}, nil},
		"two at a time":              {[]vote{v(1, 4, 5), v(2, 4, 5), v(3, 4, 5), v(4), v(5)}, []object.NodeID{4, 5}},
		"not a voter":                {[]vote{v(1, 9), v(2, 9), v(3)}, []object.NodeID{9}},
	} {
		if got := slices.Sorted(maps.Keys(unheardBy(c.votes))); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// Of two holders of one id exactly one goes, whatever they know of each other.
func TestMustGo(t *testing.T) {
	for _, as := range []bool{false, true} {
		for _, bs := range []bool{false, true} {
			for _, inc := range []object.Incarnation{1, 2, 3} {
				a := rival{addr: "a", settled: as, incarnation: inc}
				b := rival{addr: "b", settled: bs, incarnation: 2}
				if mustGo(a, b) == mustGo(b, a) {
					t.Errorf("%+v and %+v: both or none", a, b)
				}
				if as && !bs && mustGo(a, b) {
					t.Errorf("the newcomer stays: %+v %+v", a, b)
				}
			}
		}
	}
}

func TestSince(t *testing.T) {
	m := func(id int, s State, inc, ups int) Member {
		return Member{ID: object.NodeID(id), State: s, Incarnation: object.Incarnation(inc), Ups: uint32(ups)}
	}
	moved := m(1, Alive, 1, 1)
	moved.Epoch = 2
	busy := m(1, Alive, 1, 1)
	busy.Load, busy.LastHeard = 3, time.Unix(1, 0)
	for name, c := range map[string]struct {
		old, now []Member
		want     string
	}{
		"nothing":          {[]Member{m(1, Alive, 1, 1)}, []Member{m(1, Alive, 1, 1)}, ""},
		"load":             {[]Member{m(1, Alive, 1, 1)}, []Member{busy}, ""},
		"epoch":            {[]Member{m(1, Alive, 1, 1)}, []Member{moved}, "updated 1 alive 1;"},
		"new, alive":       {nil, []Member{m(1, Alive, 1, 1)}, "up 1 alive 1;"},
		"new, in doubt":    {nil, []Member{m(1, Suspect, 1, 0)}, "updated 1 suspect 1;"},
		"fell":             {[]Member{m(1, Alive, 1, 1)}, []Member{m(1, Dead, 1, 1)}, "down 1 dead 1;"},
		"left":             {[]Member{m(1, Alive, 1, 1)}, []Member{m(1, Left, 1, 1)}, "down 1 left 1;"},
		"fell and rose":    {[]Member{m(1, Alive, 1, 1)}, []Member{m(1, Alive, 1, 2)}, "down 1 dead 1;up 1 alive 1;"},
		"restarted":        {[]Member{m(1, Alive, 1, 1)}, []Member{m(1, Alive, 2, 2)}, "down 1 dead 1;up 1 alive 2;"},
		"restarted, doubt": {[]Member{m(1, Alive, 1, 1)}, []Member{m(1, Suspect, 2, 1)}, "down 1 dead 1;"},
		"then alive":       {[]Member{m(1, Suspect, 2, 1)}, []Member{m(1, Alive, 2, 2)}, "up 1 alive 2;"},
		"dead, then left":  {[]Member{m(1, Dead, 1, 1)}, []Member{m(1, Left, 1, 1)}, "updated 1 left 1;"},
		"forgotten":        {[]Member{m(1, Alive, 1, 1), m(2, Dead, 1, 1)}, nil, "down 1 dead 1;"},
		"one between two":  {[]Member{m(1, Dead, 1, 1), m(3, Dead, 1, 1)}, []Member{m(1, Dead, 1, 1), m(2, Alive, 1, 1), m(3, Alive, 1, 2)}, "up 2 alive 1;up 3 alive 1;"},
	} {
		got := ""
		for _, x := range (View{members: c.now}).Since(View{members: c.old}) {
			got += fmt.Sprintf("%v %d %v %d;", x.Kind, x.Member.ID, x.Member.State, x.Member.Incarnation)
		}
		if got != c.want {
			t.Errorf("%s: %s want %s", name, got, c.want)
		}
	}
}

func TestTableBounds(t *testing.T) {
	now := time.Unix(1000, 0)
	tab := newTable(1, DefaultHoldDown())
	told := func(inc int) announcement {
		return announcement{Meta: Meta{Weight: 1}, incarnation: object.Incarnation(inc)}
	}
	for i := range maxMembers {
		a := told(5)
		id := object.NodeID(i + 2)
		if !tab.admits(id, &a) {
			t.Fatalf("no room for %v", id)
		}
		tab.rose(now, id, a, "10.0.0.1:1")
	}
	a := told(5)
	if tab.admits(5000, &a) || tab.rose(now, 5000, a, "10.0.0.1:1") {
		t.Error("more than the table holds")
	}
	tab.sank(now.Add(time.Second), 8)
	tab.sank(now.Add(2*time.Second), 7)
	if !tab.admits(5000, &a) || !tab.rose(now, 5000, a, "10.0.0.1:1") || tab.entries[8] != nil || tab.entries[7] == nil {
		t.Error("the one dead for longest does not make room")
	}
	old := told(4)
	if tab.admits(2, &old) {
		t.Error("an echo of an earlier life")
	}
	if !tab.admits(7, &old) {
		t.Error("an earlier life of a dead one may be the rightful holder")
	}
	tab.tidy(now.Add(2*time.Second + forgetAfter))
	if tab.entries[7] != nil || tab.entries[5000] == nil {
		t.Error("tidy forgot the wrong ones")
	}
	// An answer, a miss and a report of another life, or of nobody, change nothing.
	tab.judge(now)
	if tab.answered(now, 2, 4, 0) || tab.missed(2, 4) || tab.reported(now, 9999, true) || tab.answered(now, 9999, 1, 0) || tab.judge(now) {
		t.Error("changed by what is not about it")
	}
}

func TestSayingIsPaced(t *testing.T) {
	now := time.Unix(1000, 0)
	a := full()
	a.leaving = false
	s := saying{last: a, at: now}
	for _, c := range []struct {
		name    string
		change  func(*announcement)
		members int
		wait    time.Duration
	}{
		{"nothing", func(*announcement) {}, 3, 0},
		{"load", func(a *announcement) { a.Load++ }, 3, gapLoad},
		{"load of many", func(a *announcement) { a.Load++ }, 300, 100 * time.Second},
		{"votes", func(a *announcement) { a.unheard = nil }, 3, gapVotes},
		{"epoch", func(a *announcement) { a.Epoch++ }, 300, gapNews},
		{"epoch and load", func(a *announcement) { a.Epoch++; a.Load++ }, 300, gapNews},
		{"keys", func(a *announcement) { a.keys = []uint32{9} }, 3, gapNews},
	} {
		b := a
		c.change(&b)
		was := s
		say, at := was.due(now, &b, c.members)
		if say || c.wait == 0 && !at.IsZero() || c.wait > 0 && at.Sub(now) != c.wait {
			t.Errorf("%s: %v, in %v, want %v", c.name, say, at.Sub(now), c.wait)
		}
		if c.wait > 0 {
			if say, _ := was.due(now.Add(c.wait), &b, c.members); !say {
				t.Errorf("%s: not said when due", c.name)
			}
			if say, at := was.due(now.Add(c.wait), &b, c.members); say || !at.IsZero() {
				t.Errorf("%s: said twice", c.name)
			}
		}
	}
}

func TestLogLevels(t *testing.T) {
	var out bytes.Buffer
	b := newLogBridge(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})))
	for line, want := range map[string]logLine{
		"[DEBUG] memberlist: a b":   {slog.LevelDebug, "a b"},
		"[INFO] memberlist: a":      {slog.LevelInfo, "a"},
		"[WARN] memberlist: a":      {slog.LevelWarn, "a"},
		"[ERR] memberlist: a\n":     {slog.LevelError, "a"},
		"[ERROR] memberlist: a":     {slog.LevelError, "a"},
		"Err: could not":            {slog.LevelError, "Err: could not"},
		"[WARN] gossip: stream bad": {slog.LevelWarn, "gossip: stream bad"},
	} {
		if got := parseLogLine(line); got != want {
			t.Errorf("%q: %+v", line, got)
		}
	}
	l := log.New(b, "", 0)
	l.Printf("[DEBUG] memberlist: quiet")
	if len(b.lines) != 0 {
		t.Error("a line below the level was queued")
	}
	b.close()
	for range logQueue + 5 {
		l.Printf("[WARN] memberlist: loud")
	}
	if b.dropped.Load() != 5 {
		t.Errorf("dropped %d", b.dropped.Load())
	}
}

func BenchmarkAlive(b *testing.B) {
	g := &Gossip{id: 1, table: newTable(1, DefaultHoldDown()), changed: make(chan struct{}), tell: make(chan struct{}, 1), look: make(chan struct{}, 1)}
	now := time.Unix(1000, 0)
	for i := range 300 {
		id := object.NodeID(i + 2)
		g.table.rose(now, id, announcement{incarnation: 1}, "10.0.0.1:1")
		g.table.answered(now, id, 1, 0)
	}
	g.table.judge(now)
	g.publish(now)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for i := 0; p.Next(); i++ {
			if !g.Alive(object.NodeID(i%300 + 2)) {
				b.Fatal("dead")
			}
		}
	})
}

// TestRest sees to it that a node with nothing to do sleeps.
func TestRest(t *testing.T) {
	now := time.Unix(1000, 0)
	for _, c := range []struct {
		wake time.Time
		want time.Duration
	}{
		{time.Time{}, idle},
		{now.Add(-time.Second), time.Millisecond},
		{now.Add(20 * time.Millisecond), 20 * time.Millisecond},
		{now.Add(time.Hour), idle},
	} {
		if got := rest(now, c.wake); got != c.want {
			t.Errorf("rest until %v: %v, want %v", c.wake, got, c.want)
		}
	}
}
