package server

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/resp"
)

// TestStreamsAsRedisTakesThem sends the same streams of bytes, right and wrong ones, to this server and to a real Redis:
// both answer the same, and both close or both go on.
func TestStreamsAsRedisTakesThem(t *testing.T) {
	redis := realRedis(t, false).conn.RemoteAddr().String()
	r := newRig(t, func(o *Options) { o.Settings.MaxBulk = 512 << 20 })
	rng := rand.New(rand.NewPCG(7, 7))
	streams := []string{
		"*-2147483649\r\n", "*2147483648\r\n", "$5\r\nhellx\r\n", "*1\r\n$536870913\r\n", "*3\r\n:1\r\n", "*1\r\n\r\n",
		"ECHO \"\\x4a\\x4\\q\"\r\n", "ECHO 'a\\\\b\\'c\\n'\r\n", "ECHO a\"b c\"\r\n", "ECHO a'b c' d\r\n", "ECHO \"a\"\t'b'\r\n",
		"ECHO \va\f\r\n", "ECHO a\vb\r\n", " \t \r\nPING\r\n", "ECHO \"\"\r\n", "ECHO '\r\n", "\"PI\"NG\r\n",
		"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n*1\r\n$x\r\n",
	}
	pieces := []string{"*1\r\n$4\r\nPING\r\n", "*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n", "*0\r\n", "*-1\r\n", "\r\n", "PING\r\n", "ECHO 'x y'\n",
		"*1\r\n", "$4\r\nPING\r\n", "$-1\r\n", "*x\r\n", "ECHO \"\r\n", "*2\r\n$4\r\nECHO\r\n$6000\r\n" + strings.Repeat("e", 6000) + "\r\n",
		"*01\r\n", "* 1\r\n", "*\r\n", "$\r\n", "ECHO \\\"\r\n", "nosuch 1 2\r\n"}
	for range 150 {
		var b strings.Builder
		for range 1 + rng.IntN(4) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		streams = append(streams, b.String())
	}
	for _, in := range streams {
		theirs, ours := answers(t, redis, in), answers(t, r.forward, in)
		if theirs != ours {
			t.Errorf("%.300q\nredis: %.300s\nrondo: %.300s", in, theirs, ours)
		}
	}
}

// answers sends a stream and a last ECHO and returns the replies up to that one's, or how it ended.
func answers(t *testing.T, addr, in string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	c := &client{t: t, conn: conn}
	_, _ = conn.Write(append([]byte(in), encode("ECHO", "the end")...))
	// Both servers answer at once what they answer at all; a stream that ends inside a command gets nothing more.
	_ = conn.SetReadDeadline(time.Now().Add(150 * time.Millisecond))
	var got []string
	for {
		v, err := c.read()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return strings.Join(append(got, "waits"), " ")
		case err != nil:
			return strings.Join(append(got, "closed"), " ")
		case v.Kind == resp.KindBulk && v.Str == "the end":
			return strings.Join(append(got, "goes on"), " ")
		}
		got = append(got, show(v))
	}
}
