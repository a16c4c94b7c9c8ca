package gossip

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/rondokv/rondo/engine/object"
)

func full() announcement {
	return announcement{
		Meta: Meta{
			Client: "redis.example.com:6379", Forward: "redis.example.com:7379", Peer: "[fd00::1]:16379",
			Rack: "räck 1", DC: "dc", Weight: 3, Epoch: 1 << 40, RingHash: 1<<64 - 1, Lineage: 5, Load: 999,
		},
		incarnation: 77, leaving: true, settled: true, keys: []uint32{1, 2}, unheard: []object.NodeID{3, 1 << 63},
	}
}

func TestMetaRoundTrip(t *testing.T) {
	most := full()
	most.unheard = nil
	for i := range maxUnheard {
		most.unheard = append(most.unheard, object.NodeID(i+1))
	}
	bare := announcement{Meta: Meta{Weight: 1}, incarnation: 1}
	onlyPeer := announcement{Meta: Meta{Peer: "a:1", Weight: 1}, incarnation: 1}
	for _, a := range []announcement{full(), most, bare, onlyPeer} {
		b := a.appendTo(nil)
		got, err := parseAnnouncement(b)
		if err != nil || !reflect.DeepEqual(got, a) || len(b) > metaMax {
			t.Errorf("%d bytes: %+v, %v\nwant %+v", len(b), got, err, a)
		}
		later, err := parseAnnouncement(append(b, 1, 2, 3))
		if err != nil || !reflect.DeepEqual(later, a) {
			t.Errorf("with what a later version adds: %+v, %v", later, err)
		}
		old := a
		old.Lineage = 0
		if got, err := parseAnnouncement(b[:len(b)-8]); err != nil || !reflect.DeepEqual(got, old) {
			t.Errorf("as nodes wrote it that knew of no lineages: %+v, %v", got, err)
		}
		for n := range b {
			if n == len(b)-8 {
				continue
			}
			if _, err := parseAnnouncement(b[:n]); !errors.Is(err, ErrMeta) {
				t.Errorf("first %d of %d bytes: %v", n, len(b), err)
			}
		}
	}
}

// The bytes of version 1 are what other nodes send: they never change, but for what is added at the end.
func TestMetaGolden(t *testing.T) {
	a := announcement{Meta: Meta{Client: "n1:6379", Peer: "n1:16379", Rack: "r", Weight: 2, Epoch: 3, RingHash: 4, Lineage: 9, Load: 5}, incarnation: 6, keys: []uint32{7}, unheard: []object.NodeID{8}}
	want := "0100" + "0000000000000006" + "0000000000000003" + "0000000000000004" + "00000005" + "00000002" +
		"026e3118eb" + "ff" + "003ffb" + "0172" + "00" + "0100000007" + "010000000000000008" +
		"0000000000000009"
	if got := fmt.Sprintf("%x", a.appendTo(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMetaCheck(t *testing.T) {
	good := full().Meta
	for name, c := range map[string]struct {
		change func(*Meta)
		want   string
	}{
		"no port":        {func(m *Meta) { m.Client = "h" }, "client address"},
		"port 0":         {func(m *Meta) { m.Forward = "h:0" }, "forward address"},
		"named port":     {func(m *Meta) { m.Peer = "h:http" }, "peer address"},
		"no host":        {func(m *Meta) { m.Client = ":1" }, "client address"},
		"odd host":       {func(m *Meta) { m.Client = "a b:1" }, "client address"},
		"host with line": {func(m *Meta) { m.Client = "a\r\nb:1" }, "client address"},
		"question mark":  {func(m *Meta) { m.Client = "?:1" }, "client address"},
		"odd form":       {func(m *Meta) { m.Client = "h:01" }, "h:1"},
		"long rack":      {func(m *Meta) { m.Rack = strings.Repeat("r", 64) }, "rack"},
		"rack with line": {func(m *Meta) { m.Rack = "a\n" }, "rack"},
		"dc not UTF-8":   {func(m *Meta) { m.DC = "\xff" }, "datacenter"},
		"weight":         {func(m *Meta) { m.Weight = maxWeight + 1 }, "weight"},
		"too much": {func(m *Meta) {
			m.Client, m.Forward, m.Peer = strings.Repeat("a", 150)+":1", strings.Repeat("b", 150)+":1", strings.Repeat("c", 150)+":1"
		}, "bytes"},
	} {
		m := good
		c.change(&m)
		if err := m.check(); !errors.Is(err, ErrMeta) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want something with %q", name, err, c.want)
		}
	}
	if err := good.check(); err != nil {
		t.Error(err)
	}
}

func FuzzMeta(f *testing.F) {
	a := full()
	f.Add(a.appendTo(nil))
	f.Add(bytes.Repeat([]byte{1}, 80))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parseAnnouncement(b)
		if err != nil {
			if !errors.Is(err, ErrMeta) {
				t.Fatal(err)
			}
			return
		}
		if err := a.check(); err != nil {
			t.Fatalf("read what cannot be told: %v", err)
		}
		again := a.appendTo(nil)
		c, err := parseAnnouncement(again)
		if err != nil || !reflect.DeepEqual(a, c) {
			t.Fatalf("%+v became %+v, %v", a, c, err)
		}
		for _, addr := range []string{a.Client, a.Forward, a.Peer} {
			if _, _, err := net.SplitHostPort(addr); addr != "" && err != nil {
				t.Fatal(err)
			}
		}
	})
}
