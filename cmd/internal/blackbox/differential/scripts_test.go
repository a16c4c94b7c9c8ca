//go:build blackbox

package differential

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// TestScripts plays scripts that differed once. Each command is a batch of its
// own; "1>" before a command is another connection.
func TestScripts(t *testing.T) {
	scripts := []struct {
		face   Face
		script []string
	}{
		// The slots of a command's keys come before its arguments.
		{Cluster, []string{"MSET a 1 b"}},
		{Cluster, []string{"MSETNX a 1 b 2 c"}},
		{Cluster, []string{"COPY a b DB 1"}},
		{Cluster, []string{"COPY a b DB nonsense"}},
		{Cluster, []string{"MULTI", "GET a", "COPY {b}1 {b}2 DB DB -1", "EXEC", "PING"}},
		// A lost transaction keeps what was queued before it was lost.
		{Cluster, []string{"MULTI", "SET a 1", "GET b", "GET", "EXEC", "GET a"}},
		{Cluster, []string{"MULTI", "GET", "SET a 1", "GET b", "EXEC", "GET a"}},
		{Cluster, []string{"WATCH a", "MULTI", "SET b 1", "GET", "EXEC"}},
		// An EXEC of wrong arity ends the transaction.
		{Forward, []string{"EXEC now", "PING"}},
		{Forward, []string{"MULTI", "SET a 1", "EXEC now", "GET a", "EXEC"}},
		{Forward, []string{"WATCH a", "1> SET a 1", "MULTI", "EXEC now", "MULTI", "SET a 2", "EXEC", "GET a"}},
		// Options of HELLO before a wrong one have their effect.
		{Forward, []string{"HELLO 2 SETNAME bar nonsense", "CLIENT GETNAME"}},
		{Forward, []string{"HELLO 3 AUTH nobody wrong nonsense", "GET missing"}},
		{Forward, []string{"HELLO 3 SETNAME bar AUTH nobody wrong", "CLIENT GETNAME", "GET missing"}},
		{Forward, []string{"SLOWLOG GET 4294967296", "SLOWLOG GET 9223372036854775807", "SLOWLOG GET 9223372036854775808"}},
		// In RESP3 the subcommands of a row are an array.
		{Forward, []string{"HELLO 3", "COMMAND INFO get", "COMMAND INFO config|get"}},
	}
	pairs := map[Face]*Pair{Forward: startPair(t, Forward), Cluster: startPair(t, Cluster)}
	for _, s := range scripts {
		var steps []Step
		for i, text := range s.script {
			words, other := strings.CutPrefix(text, "1> ")
			step := Step{Batch: i, Args: strings.Fields(words)}
			if other {
				step.Conn = 1
			}
			steps = append(steps, step)
		}
		d, _, err := pairs[s.face].Run(steps, 2)
		if err != nil {
			t.Fatal(err)
		}
		if d != nil {
			t.Error(report(s.face, 0, Epoch{}, steps, d, false))
		}
	}
}

// TestExpired compares what commands make of a key whose time has come, which
// random scripts leave out as no two servers are at one instant.
func TestExpired(t *testing.T) {
	commands := []string{
		"GET k", "EXISTS k", "TYPE k", "TTL k", "PTTL k", "EXPIRETIME k", "PEXPIRETIME k", "STRLEN k", "GETRANGE k 0 -1", "OBJECT ENCODING k", "TOUCH k", "MGET k k",
		"DEL k", "UNLINK k", "GETDEL k", "GETEX k", "GETEX k PERSIST", "PERSIST k", "EXPIRE k 100", "EXPIRE k 100 XX", "EXPIRE k 100 NX", "EXPIRE k 100 GT", "EXPIREAT k 1",
		"SET k w", "SET k w NX", "SET k w XX", "SET k w GET", "SET k w KEEPTTL", "SET k w XX KEEPTTL", "SETNX k w", "MSETNX k w", "GETSET k w", "APPEND k w", "SETRANGE k 2 w",
		"INCR k", "DECRBY k 5", "INCRBYFLOAT k 1.5", "RENAME k {k}2", "RENAMENX k {k}2", "RENAME {k}other k", "COPY k {k}2", "COPY {k}other k", "COPY {k}other k REPLACE",
		"KEYS *", "SCAN 0 COUNT 1000", "RANDOMKEY",
	}
	const after = "GET k|TTL k|GET {k}2|TTL {k}2|GET {k}other|INCR k|TTL k|APPEND k x"
	for _, face := range []Face{Forward, Cluster} {
		pair := startPair(t, face)
		for _, command := range commands {
			r := &run{pair: pair, queued: make([][][]string, 1), watching: make([]bool, 1)}
			conns := []*harness.Conn{harness.Dial(t, pair.Redis), harness.Dial(t, pair.Rondo)}
			for _, c := range conns {
				c.Do("FLUSHALL")
				c.Do("SET", "{k}other", "o")
				c.Do("SET", "k", "12", "PX", "5")
				awaitExpiry(t, c)
			}
			for i, text := range append([]string{command}, strings.Split(after, "|")...) {
				args := strings.Fields(text)
				redis, rondo := conns[0].Do(args...), conns[1].Do(args...)
				if d := r.compare(Step{Args: args}, []byte(redis), []byte(rondo)); d != nil {
					t.Errorf("%s face, after the expiry of k %q, step %d %q:\nredis %q\nrondo %q", face, command, i, text, redis, rondo)
				}
			}
		}
	}
}

// awaitExpiry waits, without looking at k too early, until its time has come.
func awaitExpiry(t *testing.T, c *harness.Conn) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if c.Do("PTTL", "k") == ":-2\r\n" {
			return
		}
	}
	t.Fatal("the key does not expire")
}

// TestReplyModes compares which commands are answered under CLIENT REPLY. Not
// within MULTI: Redis then announces more replies of EXEC than it sends.
func TestReplyModes(t *testing.T) {
	scripts := []string{
		"CLIENT REPLY SKIP|SET k 1|GET k",
		"CLIENT REPLY SKIP|CLIENT REPLY SKIP|SET k 1|GET k",
		"CLIENT REPLY OFF|SET k 1|GET k|CLIENT REPLY ON|GET k",
		"CLIENT REPLY OFF|CLIENT REPLY SKIP|GET k|CLIENT REPLY ON|GET k",
		"CLIENT REPLY SKIP|NOTHING|GET k",
		"CLIENT REPLY SKIP|GET|GET k",
		"CLIENT REPLY SKIP|MULTI|SET k 2|EXEC",
		"CLIENT REPLY OFF|MULTI|SET k 4|EXEC|CLIENT REPLY ON|GET k",
		"CLIENT REPLY OFF|RESET|GET k",
		"CLIENT REPLY OFF|CLIENT REPLY NONSENSE|CLIENT REPLY ON",
	}
	for _, face := range []Face{Forward, Cluster} {
		pair := startPair(t, face)
		for _, script := range scripts {
			var got [2][]string
			for i, addr := range []string{pair.Redis, pair.Rondo} {
				got[i] = untilMarked(t, addr, script)
			}
			if !slices.Equal(got[0], got[1]) {
				t.Errorf("%s face, %s:\nredis %q\nrondo %q", face, script, got[0], got[1])
			}
		}
	}
}

// untilMarked sends a script in one write and returns its replies, up to that
// to a last command with a text of its own.
func untilMarked(t *testing.T, addr, script string) (replies []string) {
	t.Helper()
	c := harness.Dial(t, addr)
	c.Do("FLUSHALL")
	c.Timeout = 2 * time.Second
	var raw []byte
	for _, text := range append(strings.Split(script, "|"), "CLIENT REPLY ON", "ECHO marker") {
		raw = harness.AppendCommand(raw, strings.Fields(text)...)
	}
	if err := c.Send(raw); err != nil {
		t.Fatal(err)
	}
	for {
		reply, err := c.Receive()
		if err != nil {
			return append(replies, err.Error())
		}
		if string(reply) == "$6\r\nmarker\r\n" {
			return replies
		}
		replies = append(replies, string(reply))
	}
}
