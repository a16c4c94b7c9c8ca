package bench

import (
	"strings"
	"testing"
)

func TestRequests(t *testing.T) {
	o := DefaultCompareOptions()
	o.ValueSize = 3
	o.Keys = 2
	pool := []byte(strings.Repeat("v", poolBytes+8))
	for c, want := range map[Command]string{
		Ping: "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n",
		Get: "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000000\r\n*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000001\r\n" +
			"*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000000\r\n",
		Set: "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000000\r\n$3\r\nvvv\r\n*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000001\r\n$3\r\nvvv\r\n" +
			"*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000000\r\n$3\r\nvvv\r\n",
	} {
		r := newRequests(c, o, pool)
		r.ordered = true
		var got []byte
		for range 3 {
			got = r.append(got)
		}
		if string(got) != want {
			t.Errorf("%s: %q, want %q", c, got, want)
		}
	}
}

var replies = []struct {
	in   string
	n    int
	kind replyKind
}{
	{"+OK\r\n", 5, replyValue},
	{"+OK\r\n+OK\r\n", 5, replyValue},
	{":12\r\n", 5, replyValue},
	{"-ERR no\r\n", 9, replyError},
	{"$-1\r\n", 5, replyNil},
	{"_\r\n", 3, replyNil},
	{"$0\r\n\r\n", 6, replyValue},
	{"$3\r\na\r\n\r\n:1\r\n", 9, replyValue}, // line ends inside the string
	{"$10\r\n0123456789\r\n", 17, replyValue},
	{"", 0, replyPartial},
	{"+", 0, replyPartial},
	{"$3\r\nabc\r", 0, replyPartial},
	{"*1\r\n", 0, replyBroken},
	{"HTTP/1.1 200 OK\r\n", 0, replyBroken},
	{"+OK\n", 0, replyBroken},
	{"$1x\r\n", 0, replyBroken},
	{"$99999999999999999999\r\n", 0, replyBroken},
}

func TestScanReply(t *testing.T) {
	for _, c := range replies {
		if n, kind := scanReply([]byte(c.in)); n != c.n || kind != c.kind {
			t.Errorf("scanReply(%q) = %d, %v; want %d, %v", c.in, n, kind, c.n, c.kind)
		}
		// Every cut before the end of a whole reply is partial.
		for i := range c.n {
			if n, kind := scanReply([]byte(c.in[:i])); n != 0 || kind != replyPartial {
				t.Errorf("scanReply(%q) = %d, %v; want partial", c.in[:i], n, kind)
			}
		}
	}
}

func FuzzScanReply(f *testing.F) {
	for _, c := range replies {
		f.Add([]byte(c.in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, kind := scanReply(b)
		whole := kind == replyValue || kind == replyNil || kind == replyError
		if n < 0 || n > len(b) || whole != (n > 0) {
			t.Errorf("scanReply(%q) = %d, %v", b, n, kind)
		}
	})
}
