package server

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/resp"
)

// scriptConn is a connection whose reads bring given pieces.
type scriptConn struct {
	net.Conn
	pieces [][]byte
	wrote  bytes.Buffer
}

func (c *scriptConn) Read(p []byte) (int, error) {
	for len(c.pieces) > 0 && len(c.pieces[0]) == 0 {
		c.pieces = c.pieces[1:]
	}
	if len(c.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.pieces[0])
	c.pieces[0] = c.pieces[0][n:]
	return n, nil
}
func (c *scriptConn) Write(p []byte) (int, error)      { return c.wrote.Write(p) }
func (c *scriptConn) Close() error                     { return nil }
func (c *scriptConn) SetReadDeadline(time.Time) error  { return nil }
func (c *scriptConn) SetWriteDeadline(time.Time) error { return nil }
func (c *scriptConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (c *scriptConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// decodeStream puts a stream through a wire and returns the commands and what was answered at the end.
func decodeStream(set Settings, authed bool, pieces ...[]byte) (cmds [][]string, reply string) {
	srv := &Server{start: time.Now(), users: newUserSet(nil), closed: make(chan struct{})}
	srv.live.Store(&set)
	c := &scriptConn{pieces: pieces}
	s := newSession(srv, clusterFace, c)
	s.setAuthed(authed)
	room := make([]byte, 4096)
	s.wire.serve = func(batch [][][]byte) bool {
		clear(room) // arguments are no part of it
		for _, args := range batch {
			var words []string
			for _, a := range args {
				words = append(words, string(a))
			}
			cmds = append(cmds, words)
		}
		return false
	}
	if n, err := s.wire.Read(room); n != 0 || err == nil {
		panic("the wire gave bytes away")
	}
	return cmds, c.wrote.String()
}

func smallLimits() Settings {
	set := DefaultSettings()
	set.MaxBulk, set.QueryBufferLimit = 20000, 60000
	return set
}

func TestFraming(t *testing.T) {
	long := strings.Repeat("x", 9000)
	for _, c := range []struct {
		name, in string
		cmds     [][]string
		reply    string
		noAuth   bool
	}{
		{name: "array", in: "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", cmds: [][]string{{"GET", "k"}}},
		{name: "empty argument", in: "*2\r\n$3\r\nGET\r\n$0\r\n\r\n", cmds: [][]string{{"GET", ""}}},
		{name: "empty arrays", in: "*0\r\n*-1\r\n*-7\r\n\r\n\n*1\r\n$4\r\nPING\r\n*0\r\n", cmds: [][]string{{"PING"}}},
		{name: "inline", in: "PING\r\nset  k \"a\\x41\\n\\\"\" 'it\\'s'\nget k\r\n",
			cmds: [][]string{{"PING"}, {"set", "k", "aA\n\"", "it's"}, {"get", "k"}}},
		{name: "inline before and after arrays", in: "PING\r\n*1\r\n$1\r\na\r\nPING\r\n",
			cmds: [][]string{{"PING"}, {"a"}, {"PING"}}},
		{name: "long argument", in: "*2\r\n$1\r\na\r\n$9000\r\n" + long + "\r\n*1\r\n$1\r\nb\r\n",
			cmds: [][]string{{"a", long}, {"b"}}},
		{name: "unbalanced", in: "set k \"a\r\n", reply: "-ERR Protocol error: unbalanced quotes in request\r\n"},
		{name: "text after quote", in: "set k \"a\"b\r\n", reply: "-ERR Protocol error: unbalanced quotes in request\r\n"},
		{name: "bad count", in: "*1\r\n$1\r\na\r\n*x\r\n", cmds: [][]string{{"a"}},
			reply: "-ERR Protocol error: invalid multibulk length\r\n"},
		{name: "huge count", in: "*1048577\r\n", reply: "-ERR Protocol error: invalid multibulk length\r\n"},
		{name: "overflowing count", in: "*99999999999999999999999999\r\n", reply: "-ERR Protocol error: invalid multibulk length\r\n"},
		{name: "leading zero", in: "*01\r\n", reply: "-ERR Protocol error: invalid multibulk length\r\n"},
		{name: "no dollar", in: "*1\r\n+1\r\n", reply: "-ERR Protocol error: expected '$', got '+'\r\n"},
		{name: "negative bulk", in: "*1\r\n$-1\r\n", reply: "-ERR Protocol error: invalid bulk length\r\n"},
		{name: "bulk over limit", in: "*1\r\n$20001\r\n", reply: "-ERR Protocol error: invalid bulk length\r\n"},
		{name: "overflowing bulk", in: "*1\r\n$9223372036854775807\r\n", reply: "-ERR Protocol error: invalid bulk length\r\n"},
		{name: "no end of bulk", in: "*1\r\n$1\r\naXX*1\r\n", reply: "-ERR Protocol error: invalid bulk length\r\n"},
		{name: "inline too long", in: strings.Repeat("y", maxInline+1), reply: "-ERR Protocol error: too big inline request\r\n"},
		{name: "command over query limit", in: "*9\r\n" + strings.Repeat("$19000\r\n"+strings.Repeat("z", 19000)+"\r\n", 4)},
		{name: "too many arguments before AUTH", noAuth: true, in: "*1\r\n$1\r\na\r\n*11\r\n", cmds: [][]string{{"a"}},
			reply: "-ERR Protocol error: unauthenticated multibulk length\r\n"},
		{name: "too long argument before AUTH", noAuth: true, in: "*1\r\n$16385\r\n",
			reply: "-ERR Protocol error: unauthenticated bulk length\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := func(how string, pieces ...[]byte) {
				cmds, reply := decodeStream(smallLimits(), !c.noAuth, pieces...)
				if !reflect.DeepEqual(cmds, c.cmds) || reply != c.reply {
					t.Errorf("%s: got %.200q, %q; want %.200q, %q", how, cmds, reply, c.cmds, c.reply)
				}
			}
			check("whole", []byte(c.in))
			if len(c.in) < 300 {
				for i := range len(c.in) {
					check("cut at "+strconv.Itoa(i), []byte(c.in[:i]), []byte(c.in[i:]))
				}
			}
			var bytewise [][]byte
			for i := range len(c.in) {
				bytewise = append(bytewise, []byte{c.in[i]})
			}
			check("byte by byte", bytewise...)
		})
	}
}

// FuzzFramer: however a stream is cut into reads, the same commands come out and the same answer ends it; what comes out is
// within the limits.
func FuzzFramer(f *testing.F) {
	f.Add([]byte("*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n*0\r\n"), uint64(1), true)
	f.Add([]byte("*11\r\n"), uint64(2), false)
	f.Add([]byte("*1\r\n$5000\r\n"+strings.Repeat("a", 5000)+"\r\nset 'a\\'b' \"\\x00\"\r\n"), uint64(3), true)
	f.Add(bytes.Repeat(encode("SET", "key", strings.Repeat("v", 100)), 90), uint64(4), true)
	f.Add([]byte("*1\r\n$9223372036854775807\r\n*99999999999999999999\r\n"), uint64(5), true)
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64, authed bool) {
		set := smallLimits()
		whole, reply := decodeStream(set, authed, bytes.Clone(stream))
		rng := rand.New(rand.NewPCG(seed, 0))
		var pieces [][]byte
		for rest := bytes.Clone(stream); len(rest) > 0; {
			n := 1 + rng.IntN(min(len(rest), 1+rng.IntN(5000)))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		cut, cutReply := decodeStream(set, authed, pieces...)
		if !reflect.DeepEqual(whole, cut) || reply != cutReply {
			t.Fatalf("whole: %.300q %q\ncut: %.300q %q", whole, reply, cut, cutReply)
		}
		for _, words := range whole {
			if len(words) == 0 || len(words) > maxArgs {
				t.Fatalf("a command of %d arguments", len(words))
			}
			for _, w := range words {
				if len(w) > max(int(set.MaxBulk), maxInline) {
					t.Fatalf("an argument of %d bytes", len(w))
				}
			}
		}
		if reply != "" && !strings.HasPrefix(reply, "-ERR Protocol error: ") {
			t.Fatalf("answered %q", reply)
		}
	})
}

func TestHeaderAgreesWithParseInt(t *testing.T) {
	for _, s := range []string{"0", "1", "9", "10", "-1", "-0", "00", "01", "", "-", "+1", " 1", "1 ", "123456789012345678",
		"1234567890123456789012", "12a", "\x00"} {
		want, ok := resp.ParseInt([]byte(s))
		n, w, got := header([]byte("*" + s + "\r\n"))
		if got != ok || ok && (int64(n) != want || w != len(s)+3) {
			t.Errorf("%q: %d %d %v, want %d %v", s, n, w, got, want, ok)
		}
	}
}
