package server

import (
	"testing"
	"time"

	"github.com/rondokv/rondo/resp"
)

func TestLatencySamples(t *testing.T) {
	var m latencyMonitor
	at := time.Unix(1000, 0)
	m.add("command", at, 30*time.Millisecond)
	m.add("command", at.Add(time.Millisecond), 50*time.Millisecond) // the same second: the worse stays
	m.add("command", at.Add(2*time.Millisecond), 20*time.Millisecond)
	m.add("command", at.Add(time.Second), 40*time.Millisecond)
	m.add("fast-command", at, 7*time.Millisecond)

	want := "*2\r\n*4\r\n$7\r\ncommand\r\n:1001\r\n:40\r\n:50\r\n*4\r\n$12\r\nfast-command\r\n:1000\r\n:7\r\n:7\r\n"
	if got := string(m.latest().AppendTo(nil, 2)); got != want {
		t.Errorf("latest: %q", got)
	}
	want = "*2\r\n*2\r\n:1000\r\n:50\r\n*2\r\n:1001\r\n:40\r\n"
	if got := string(m.history("command").AppendTo(nil, 2)); got != want {
		t.Errorf("history: %q", got)
	}
	if n := m.reset(words("command", "nosuch")); n != 1 || len(m.history("command").Elems) != 0 {
		t.Errorf("reset of one took %d", n)
	}
	if n := m.reset(nil); n != 1 {
		t.Errorf("reset of the rest took %d", n)
	}
}

func TestLatencyHistoryIsBounded(t *testing.T) {
	var m latencyMonitor
	for i := range 1000 {
		m.add("command", time.Unix(int64(i), 0), time.Duration(i)*time.Millisecond)
	}
	h := m.history("command").Elems
	if len(h) != latencySamples || h[0].Elems[0].Int != 1000-latencySamples || h[latencySamples-1].Elems[0].Int != 999 {
		t.Errorf("%d samples from %d on", len(h), h[0].Elems[0].Int)
	}
}

// The labels are those that redis-server 7.0.15 prints.
func TestHistogramLabels(t *testing.T) {
	want := []int64{1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113, 4227}
	for i, w := range want {
		if got := bucketMicros(10 + i); got != w {
			t.Errorf("2^%d ns: %d, want %d", 10+i, got, w)
		}
	}
}

func TestHistogramReply(t *testing.T) {
	var c commandStats
	c.add(3, 0, 0, 200)                         // below the first label
	c.add(1, 0, 0, 900)                         // under it
	c.add(2, 0, 0, int64(20*time.Microsecond))  // up to 33
	c.add(1, 0, 0, int64(500*time.Microsecond)) // up to 528
	c.add(1, 0, 0, int64(10*time.Hour))         // the last bucket
	h := c.histogram()
	got := h.reply().Elems[3].Elems
	want := []int64{1, 4, 33, 6, 528, 7, bucketMicros(latencyBuckets - 1), 8}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if got[i].Int != want[i] {
			t.Errorf("element %d: %d, want %d", i, got[i].Int, want[i])
		}
	}
	if v := h.reply().Elems[1]; v.Kind != resp.KindInt || v.Int != 8 {
		t.Errorf("calls %+v", v)
	}
	if p := h.percentile(50); p != 1.024 {
		t.Errorf("p50 %v", p)
	}
	if p := h.percentile(75); p != 32.768 {
		t.Errorf("p75 %v", p)
	}
}
