package harness

import (
	"bufio"
	"errors"
	"strings"
	"testing"
)

func TestRedisIsReadyWhenStarted(t *testing.T) {
	c := Dial(t, StartRedis(t).Addr)
	if got := c.Do("SET", "k", "v"); got != "+OK\r\n" {
		t.Errorf("SET = %q", got)
	}
	if got := c.Do("MGET", "k", "none"); got != "*2\r\n$1\r\nv\r\n$-1\r\n" {
		t.Errorf("MGET = %q", got)
	}
	if got := c.Do("HELLO", "3"); !strings.HasPrefix(got, "%7\r\n") {
		t.Errorf("HELLO 3 = %q", got)
	}
	if got := c.Do("GET", "k"); got != "$1\r\nv\r\n" {
		t.Errorf("the reply to HELLO was not read to its end: GET = %q", got)
	}
}

func TestRedisClusterOwnsAllSlots(t *testing.T) {
	c := Dial(t, StartRedisCluster(t).Addr)
	for _, key := range []string{"a", "b", "c"} {
		if got := c.Do("SET", key, "v"); got != "+OK\r\n" {
			t.Errorf("SET %s = %q", key, got)
		}
	}
	if got := c.Do("MGET", "a", "b"); !strings.HasPrefix(got, "-CROSSSLOT") {
		t.Errorf("MGET over slots = %q", got)
	}
}

func TestReplyEnds(t *testing.T) {
	for _, reply := range []string{
		"+OK\r\n", "-ERR x\r\n", ":1\r\n", "_\r\n", ",1.5\r\n", "#t\r\n", "(12\r\n", "$-1\r\n", "$0\r\n\r\n", "*-1\r\n", "*0\r\n",
		"$4\r\n\r\n\r\n\r\n", "=5\r\ntxt:a\r\n", "!3\r\nERR\r\n", "*2\r\n*1\r\n:1\r\n$1\r\na\r\n", "%1\r\n+a\r\n*1\r\n:2\r\n", "~1\r\n+a\r\n", ">1\r\n+a\r\n",
	} {
		in := bufio.NewReader(strings.NewReader(reply + "+next\r\n"))
		if got, err := readReply(in, nil, 0); err != nil || string(got) != reply {
			t.Errorf("%q was read as %q, %v", reply, got, err)
		}
	}
	for _, bad := range []string{"OK\r\n", "$x\r\n", "$-2\r\n", "*99999999999999999999\r\n", "\r\n", "+a\n"} {
		if got, err := readReply(bufio.NewReader(strings.NewReader(bad)), nil, 0); !errors.Is(err, errProtocol) {
			t.Errorf("%q was read as %q, %v", bad, got, err)
		}
	}
}

func TestFreePortLeavesRoom(t *testing.T) {
	for range 20 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if last := port + 12000; last >= 32768 {
			t.Fatalf("port %d has a derived port %d in the kernel's own range", port, last)
		}
	}
}
