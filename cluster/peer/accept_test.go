package peer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

var rewrite = flag.Bool("rewrite", false, "write the golden file anew")

var sampleHello = hello{
	lowest: 1, highest: 1, cluster: ClusterID{0xc0, 15: 0xcf}, from: 0xa1a2a3a4a5a6a7a8, to: 0xb1b2b3b4b5b6b7b8, inc: 0x0102030405060708,
}

// TestGolden: these bytes are for ever.
func TestGolden(t *testing.T) {
	var got bytes.Buffer
	for _, frame := range [][]byte{
		appendHello(nil, &sampleHello), appendWelcome(nil, &welcome{version: 1, node: sampleHello.to, inc: 0x1112131415161718}),
		appendRefusal(nil, RefusedOlder), appendBeat(nil, kindPing, 0x2122232425262728), appendBeat(nil, kindPong, 0x2122232425262728),
	} {
		got.WriteString(hex.EncodeToString(frame) + "\n")
	}
	path := filepath.Join("testdata", "frames.hex")
	if *rewrite {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("frames are now\n%swere\n%s", got.Bytes(), want)
	}
}

// victim is node 1, with a peer 2 that never answers.
var ours = ClusterID{15: 1}

func victim(t testing.TB, limits Limits) (*node, func() net.Conn) {
	t.Helper()
	l := listen(t)
	n := newNode(t, Options{Self: 1, Incarnation: 7, Listener: l, Limits: limits, Cluster: ours})
	n.links.SetPeers([]Peer{{ID: 2, Addr: "127.0.0.1:1"}})
	return n, func() net.Conn {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
}

func write(t testing.TB, conn net.Conn, b []byte) {
	t.Helper()
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
}

// closed waits until the other side has closed the connection.
func closed(t testing.TB, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the connection stays open")
	}
}

func greet(t testing.TB, conn net.Conn, change func(*hello)) (welcome, error) {
	t.Helper()
	h := hello{lowest: 1, highest: wire.Version, cluster: ours, from: 2, to: 1, inc: 5}
	if change != nil {
		change(&h)
	}
	write(t, conn, appendHello(nil, &h))
	kind, body, err := readGreeting(conn)
	if err != nil {
		t.Fatal(err)
	}
	return decodeWelcome(kind, body)
}

func TestHello(t *testing.T) {
	n, dial := victim(t, Limits{})
	for _, c := range []struct {
		reason Refusal // 0: let in
		change func(*hello)
	}{
		{0, nil},
		{0, func(h *hello) { h.highest = 200 }},
		{RefusedVersion, func(h *hello) { h.lowest, h.highest = wire.Version+1, wire.Version+3 }},
		{RefusedVersion, func(h *hello) { h.lowest, h.highest = 0, 0 }},
		{RefusedCluster, func(h *hello) { h.cluster[15]++ }},
		{0, func(h *hello) { h.cluster = ClusterID{} }}, // waits to be told its cluster
		{RefusedSelf, func(h *hello) { h.from = 1 }},
		{RefusedOther, func(h *hello) { h.to = 3 }},
		{RefusedUnknown, func(h *hello) { h.from = 3 }},
		{0, func(h *hello) { h.inc = 6 }},
		{RefusedOlder, func(h *hello) { h.inc = 5 }},
	} {
		if c.reason == RefusedOlder { // the incarnation before is met once the welcome is on its way
			for k := (*n.links.links.Load())[2]; k.met() < 6; {
				runtime.Gosched()
			}
		}
		conn := dial()
		w, err := greet(t, conn, c.change)
		var refused *RefusedError
		switch {
		case c.reason == 0:
			if err != nil || w != (welcome{version: wire.Version, node: 1, inc: 7}) {
				t.Errorf("%+v, %v", w, err)
			}
		case !errors.As(err, &refused) || refused.Reason != c.reason:
			t.Errorf("%v, want %s", err, c.reason)
		default:
			closed(t, conn)
		}
	}
	for reason, count := range n.links.Refused() {
		if want := map[Refusal]uint64{RefusedVersion: 2}[reason]; count != max(want, 1) {
			t.Errorf("%s: counted %d", reason, count)
		}
	}
	if n := len(n.links.Refused()); n != 6 {
		t.Errorf("%d reasons counted", n)
	}
}

func TestGarbageInsteadOfHello(t *testing.T) {
	n, dial := victim(t, Limits{Handshake: 200 * time.Millisecond})
	good := appendHello(nil, &hello{lowest: 1, highest: 1, from: 2, to: 1, inc: 5})
	bad := bytes.Clone(good)
	bad[60] ^= 4
	long := bytes.Clone(good)
	long[0] = 0x30 // 800 MB are announced
	for i, b := range [][]byte{
		nil, []byte("GET / HTTP/1.1\r\n\r\n"), []byte("*1\r\n$4\r\nPING\r\n"), good[:len(good)-1], good[:3], bad, long, bytes.Repeat([]byte{0xff}, 10_000),
		appendBeat(nil, kindPing, 1), wire.AppendControl(nil, kindHello, []byte("short")), wire.AppendFrame(nil, request(1, 0, 1)),
	} {
		conn := dial()
		_, _ = conn.Write(b)
		closed(t, conn)
		if got := n.links.Refused()[RefusedGarbage]; got != uint64(i+1) {
			t.Errorf("after %q: %d refused", b[:min(len(b), 20)], got)
		}
	}
}

func TestGarbageAfterHello(t *testing.T) {
	good := wire.AppendFrame(nil, request(1, 0, 100))
	bad := bytes.Clone(good)
	bad[70] ^= 1
	future := bytes.Clone(good)
	future[4] = 9
	for name, b := range map[string][]byte{
		"corrupt": bad, "of another version": future, "cut off": good[:40], "noise": bytes.Repeat([]byte{0x17}, 100_000),
		"hello again": appendHello(nil, &sampleHello), "long ping": wire.AppendControl(nil, kindPing, make([]byte, 9)), "unknown kind": wire.AppendControl(nil, 0x7f, []byte("x")),
	} {
		n, dial := victim(t, Limits{})
		conn := dial()
		if _, err := greet(t, conn, nil); err != nil {
			t.Fatal(err)
		}
		write(t, conn, good)
		_, _ = conn.Write(b)
		if name == "cut off" {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
		closed(t, conn)
		n.await(t, name, func() bool { return n.count() == 1 }) // what was whole was delivered
	}
}

// TestBadRow: one row that went bad at the sender does not cost the link.
func TestBadRow(t *testing.T) {
	n, dial := victim(t, Limits{})
	conn := dial()
	if _, err := greet(t, conn, nil); err != nil {
		t.Fatal(err)
	}
	row := (&object.KeyRow{Value: object.Value{Stamp: object.Stamp{HLC: 1 << 50, Node: 1, Inc: 1}, Kind: object.ValueBytes, Bytes: []byte("v")}}).AppendRow(nil)
	row[len(row)-1] ^= 1
	write(t, conn, wire.AppendFrame(nil, &wire.ReadReply{Header: wire.Header{ID: 1}, Rows: []wire.Row{{Ref: object.KeyRef{Name: []byte("k")}, Bytes: row}}}))
	write(t, conn, wire.AppendFrame(nil, request(2, 0, 1)))
	n.await(t, "the next message", func() bool { return n.count() == 1 })
	if s := n.links.Stats()[0]; s.BadRows != 1 || s.Received != 1 || !s.In || n.got[0].Head().ID != 2 {
		t.Errorf("%+v", s)
	}
}

// TestReadsInPieces: what TCP makes of a stream does not matter, and a long frame takes memory only as it arrives.
func TestReadsInPieces(t *testing.T) {
	var stream []byte
	var ids []uint64
	for i, size := range []int{0, 10, 3000, 5000, 70_000, 1, 200_000, 64<<10 - 70, 30} {
		stream = wire.AppendFrame(stream, request(uint64(i), 0, size))
		stream = appendBeat(stream, kindPing, uint64(i))
		ids = append(ids, uint64(i))
	}
	for _, step := range []int{7, 50, 1000, 4096, 65536, len(stream)} {
		n := &node{more: make(chan struct{}, 1)}
		k := newLink(&Links{handler: n, start: time.Now()}, Peer{ID: 2})
		far, near := net.Pipe()
		k.in = &half{conn: near, raw: near}
		r := newReader(k, k.in)
		go func() {
			for rest := stream; len(rest) > 0; rest = rest[min(step, len(rest)):] {
				if _, err := far.Write(rest[:min(step, len(rest))]); err != nil {
					return
				}
			}
			_ = far.Close()
		}()
		if err := r.run(); err != nil {
			t.Fatal(err)
		}
		if len(n.got) != len(ids) || k.owed != ids[len(ids)-1] {
			t.Fatalf("in steps of %d: %d messages, last ping %d", step, len(n.got), k.owed)
		}
		for i, m := range n.got {
			if m.Head().ID != ids[i] {
				t.Fatalf("in steps of %d: message %d in place of %d", step, m.Head().ID, i)
			}
		}
	}
}

func TestAnnouncedLengthTakesNoMemory(t *testing.T) {
	n := &node{more: make(chan struct{}, 1)}
	k := newLink(&Links{handler: n, start: time.Now()}, Peer{ID: 2})
	r := newReader(k, &half{})
	frame := []byte{0x3f, 0, 0, 0, wire.Version} // a frame of a gigabyte
	for range 100_000 {
		if len(frame) == 0 {
			frame = make([]byte, 10_000)
		}
		size := copy(r.buf[r.have:], frame)
		frame = frame[size:]
		r.have += size
		full := r.have == len(r.buf)
		if err := r.split(); err != nil {
			t.Fatal(err)
		}
		if err := r.fit(size, full); err != nil {
			t.Fatal(err)
		}
		if len(r.buf) > max(2*r.have, smallBuffer) {
			t.Fatalf("%d bytes have come and %d are kept", r.have, len(r.buf))
		}
		if r.have > 10<<20 {
			return
		}
	}
	t.Fatal("nothing moved")
}

// TestCrowd: connections that say nothing are bounded in number.
func TestCrowd(t *testing.T) {
	n, dial := victim(t, Limits{Handshakes: 3, Handshake: time.Minute})
	var conns []net.Conn
	for range 10 {
		conns = append(conns, dial())
	}
	for _, c := range conns[3:] {
		closed(t, c)
	}
	for _, c := range conns[:3] {
		_ = c.(*net.TCPConn).CloseWrite()
		closed(t, c)
	}
	if r := n.links.Refused(); r[RefusedCrowded] != 7 || r[RefusedGarbage] != 3 {
		t.Errorf("refused: %v", r)
	}
	if _, err := greet(t, dial(), nil); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestTwoLives: of two nodes with one id the one with the newer incarnation is believed, whoever comes first.
func TestTwoLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, nodes := inMemory(t, 2, Limits{})
		a, old := nodes[0], nodes[1]
		// A second node 2, at the same address, while the first still runs.
		young := newNode(t, Options{Self: 2, Incarnation: 9, Listener: net.listen(2), Dial: net.dialer(2)})
		young.links.SetPeers([]Peer{{ID: 1, Addr: address(1)}})
		within(t, time.Second, "up", young.has("up 1"))
		if e := a.take(); e != "[down 2 up 2]" {
			t.Errorf("events: %s", e)
		}
		within(t, time.Second, "the older is cut off", old.has("down 1"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if e := a.take() + young.take(); e != "[][up 1]" {
			t.Errorf("events: %s", e)
		}
		if n := a.links.Refused()[RefusedOlder]; n < 30 {
			t.Errorf("the older was refused %d times", n)
		}
		a.links.Send(2, request(1, 0, 1))
		synctest.Wait()
		if s := a.links.Stats()[0]; s.Incarnation != 9 || old.count() != 0 || young.count() != 1 {
			t.Errorf("%d reached the older, %d the younger, %+v", old.count(), young.count(), s)
		}
	})
}

func FuzzAccept(f *testing.F) {
	good := appendHello(nil, &hello{lowest: 1, highest: 1, from: 2, to: 1, inc: 5})
	f.Add(good)
	f.Add(append(bytes.Clone(good), appendBeat(nil, kindPing, 1)...))
	f.Add(append(bytes.Clone(good), wire.AppendFrame(nil, request(1, 800, 9))...))
	f.Add(good[:9])
	n := newNetwork()
	v := newNode(f, Options{Self: 1, Incarnation: 7, Listener: n.listen(1), Dial: n.dialer(1), Limits: Limits{BackoffMin: time.Hour, BackoffMax: time.Hour}})
	v.links.SetPeers([]Peer{{ID: 2, Addr: address(2)}})
	f.Fuzz(func(t *testing.T, b []byte) {
		far, near := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(io.Discard, far)
		}()
		served := make(chan struct{})
		go func() {
			defer close(served)
			v.links.shaking.Add(1)
			v.links.serve(near)
		}()
		_, _ = far.Write(b)
		_ = far.Close()
		<-served
		<-done
	})
}

func FuzzFrames(f *testing.F) {
	f.Add(wire.AppendFrame(appendBeat(nil, kindPing, 1), request(1, 0, 5)), uint16(3))
	f.Add([]byte{0, 1, 0, 0, wire.Version, 1}, uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, step uint16) {
		n := &node{more: make(chan struct{}, 1)}
		k := newLink(&Links{handler: n, start: time.Now()}, Peer{ID: 2})
		far, near := net.Pipe()
		k.in = &half{conn: near, raw: near}
		go func() {
			for rest := b; len(rest) > 0; rest = rest[min(int(step)+1, len(rest)):] {
				if _, err := far.Write(rest[:min(int(step)+1, len(rest))]); err != nil {
					return
				}
			}
			_ = far.Close()
		}()
		_ = newReader(k, k.in).run()
		_ = near.Close()
		// Whatever was taken is what a peer would have sent.
		for _, m := range n.got {
			if _, err := wire.Size(m); err != nil {
				t.Fatal(err)
			}
		}
	})
}
