package server

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/redcon"
)

// BenchmarkLoopback measures a client and the server in one process over loopback, one connection; compare with plain
// redcon's PING, which does the same system calls and nothing else.
func BenchmarkLoopback(b *testing.B) {
	value := strings.Repeat("x", 100)
	for _, depth := range []int{1, 16} {
		for _, c := range []struct {
			name  string
			bytes func(i int) []byte
			reply int
		}{
			{"PING", func(int) []byte { return encode("PING") }, len("+PONG\r\n")},
			{"SET", func(i int) []byte { return encode("SET", "key:"+strconv.Itoa(i%1000), value) }, len("+OK\r\n")},
			{"GET", func(i int) []byte { return encode("GET", "key:"+strconv.Itoa(i%1000)) }, len("$100\r\n\r\n") + 100},
		} {
			b.Run(fmt.Sprintf("%s/%d", c.name, depth), func(b *testing.B) {
				r := newRig(b)
				fill := r.dial(r.cluster)
				for i := range 1000 {
					fill.want("OK", "SET", "key:"+strconv.Itoa(i), value)
				}
				roundTrips(b, r.cluster, depth, c.bytes, c.reply)
			})
		}
		b.Run(fmt.Sprintf("redcon-PING/%d", depth), func(b *testing.B) {
			ln := listen(b)
			go func() {
				_ = redcon.Serve(ln, func(c redcon.Conn, _ redcon.Command) { c.WriteString("PONG") }, nil, nil)
			}()
			defer func() { _ = ln.Close() }()
			roundTrips(b, ln.Addr().String(), depth, func(int) []byte { return encode("PING") }, len("+PONG\r\n"))
		})
	}
}

func roundTrips(b *testing.B, addr string, depth int, request func(i int) []byte, reply int) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	var batches [][]byte
	for i := range 64 {
		var one bytes.Buffer
		for j := range depth {
			one.Write(request(i*depth + j))
		}
		batches = append(batches, one.Bytes())
	}
	in := make([]byte, reply*depth)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += depth {
		if _, err := conn.Write(batches[i/depth%len(batches)]); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(conn, in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBatch measures a session without the network: 16 commands that redcon has parsed.
func BenchmarkBatch(b *testing.B) {
	for _, c := range []struct {
		name  string
		words []string
	}{
		{"PING", []string{"PING"}},
		{"GET", []string{"GET", "key"}},
		{"SET", []string{"SET", "key", strings.Repeat("x", 100)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := newRig(b)
			s := newSession(r.srv, clusterFace, &scriptConn{})
			var cmds [][][]byte
			for range 16 {
				var args [][]byte
				for _, w := range c.words {
					args = append(args, []byte(w))
				}
				cmds = append(cmds, args)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += 16 {
				s.wire.Conn.(*scriptConn).wrote.Reset()
				s.wire.readAt = r.srv.nanos()
				s.serve(cmds)
			}
		})
	}
}

// BenchmarkFramer measures the check alone: 16 SETs of 100 bytes.
func BenchmarkFramer(b *testing.B) {
	in := bytes.Repeat(encode("SET", "key:12345", strings.Repeat("x", 100)), 16)
	set := DefaultSettings()
	lim := limitsOf(&set, true)
	var f framer
	for i := 0; i < b.N; i += 16 {
		f.reset()
		if end, _ := f.scan(in, &lim); end != len(in) {
			b.Fatal(end)
		}
	}
}
