package command_test

import (
	"strings"
	"testing"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/server/command"
)

func TestReads(t *testing.T) {
	tell(t, `
		GET k -> $-1
		STRLEN k -> :0
		GETRANGE k 0 -1 -> $0
		GETDEL k -> $-1
		GETSET k v1 -> $-1
		GETSET k v2 -> $2 v1
		GET k -> $2 v2
		STRLEN k -> :2
		SET n -12
		GET n -> $3 -12
		STRLEN n -> :3
		GETRANGE n 1 1 -> $1 1
		MGET k nokey n k -> *4 $2 v2 $-1 $3 -12 $2 v2
		GETDEL k -> $2 v2
		GET k -> $-1
		SET s abcdef
		GETRANGE s 0 -1 -> $6 abcdef
		SUBSTR s 1 2 -> $2 bc
		GETRANGE s -3 -2 -> $2 de
		GETRANGE s -100 100 -> $6 abcdef
		GETRANGE s 6 9 -> $0
		GETRANGE s -1 -2 -> $0
		GETRANGE s 3 2 -> $0
		GETRANGE s -9223372036854775808 9223372036854775807 -> $6 abcdef
		GETRANGE s x 1 -> -ERR value is not an integer or out of range
		GETRANGE s 1 x -> -ERR value is not an integer or out of range
		SET e _
		GETRANGE e 0 -1 -> $0
		GET e -> $0
	`)
}

func TestSet(t *testing.T) {
	tell(t, `
		SET k v -> +OK
		GET k -> $1 v
		SET k w NX -> $-1
		SET k w XX -> +OK
		SET k x XX GET -> $1 w
		SET new 1 NX GET -> $-1
		SET new 2 NX GET -> $1 1
		GET new -> $1 1
		SET no 1 XX -> $-1
		SET no 1 XX GET -> $-1
		EXISTS no -> :0
		SET k v NX XX -> -ERR syntax error
		SET k v xx nx -> -ERR syntax error
		SET k v EX -> -ERR syntax error
		SET k v EX 1 PX 1 -> -ERR syntax error
		SET k v KEEPTTL EX 1 -> -ERR syntax error
		SET k v EX 1 KEEPTTL -> -ERR syntax error
		SET k v PERSIST -> -ERR syntax error
		SET k v FOO -> -ERR syntax error
		SET k v EX abc -> -ERR value is not an integer or out of range
		SET k v EX 0 -> -ERR invalid expire time in 'set' command
		SET k v PXAT -1 -> -ERR invalid expire time in 'set' command
		SET k v EX 9223372036854775 -> -ERR invalid expire time in 'set' command
		SET k v EX 9223372036854775807 -> -ERR invalid expire time in 'set' command
		SET k v PX 9223372036854775807 -> -ERR invalid expire time in 'set' command
		SET k v NX PX 9223372036854775807 -> -ERR invalid expire time in 'set' command
		SET k v EX abc EX 100 -> +OK
		TTL k -> :100
		SET k v2 KEEPTTL -> +OK
		PTTL k -> :100000
		SET k v3 -> +OK
		TTL k -> :-1
		SET k v PXAT 1 -> +OK
		GET k -> $-1
		SET k v4 EXAT 1700000100 GET -> $-1
		PEXPIRETIME k -> :1700000100000
		SET k v5 GET PXAT 1700000000000 -> $2 v4
		EXISTS k -> :1
		wait 1
		EXISTS k -> :0
	`)
}

func TestSetCompare(t *testing.T) {
	tell(t, `
		SET k v IFEQ a -> $-1
		EXISTS k -> :0
		SET k v IFNE a -> +OK
		SET k w IFNE v -> $-1
		SET k w IFEQ x GET -> $1 v
		GET k -> $1 v
		SET k w ifeq v GET EX 10 -> $1 v
		TTL k -> :10
		SET k x IFEQ w KEEPTTL -> +OK
		TTL k -> :10
		SET k 5 IFNE w -> +OK
		SET k 6 IFEQ 05 -> $-1
		SET k 6 IFEQ 5 -> +OK
		SET gone 1 IFNE z GET -> $-1
		GET gone -> $1 1
		SET k v IFEQ -> -ERR syntax error
		SET k v NX IFEQ 1 -> -ERR syntax error
		SET k v IFEQ 1 XX -> -ERR syntax error
		SET k v IFEQ 1 IFNE 2 -> -ERR syntax error
		SET k v IFDEQ 0123456789abcdef -> -ERR syntax error
		DELEX k IFEQ 5 -> :0
		DELEX k IFNE 6 -> :0
		DELEX k ifeq 6 -> :1
		DELEX k IFNE 6 -> :0
		SET k v
		DELEX k IFNE w -> :1
		SET k v
		DELEX k -> :1
		DELEX k -> :0
		DELEX k IFEQ -> -ERR wrong number of arguments for 'delex' command
		DELEX k IFEQ a b -> -ERR wrong number of arguments for 'delex' command
		DELEX k IFDEQ a -> -ERR syntax error
	`)
}

func TestSetRelatives(t *testing.T) {
	tell(t, `
		SETNX k 1 -> :1
		SETNX k 2 -> :0
		SETEX k 10 v -> +OK
		TTL k -> :10
		PSETEX k 1500 v -> +OK
		PTTL k -> :1500
		TTL k -> :2
		SETEX k 0 v -> -ERR invalid expire time in 'setex' command
		SETEX k -1 v -> -ERR invalid expire time in 'setex' command
		PSETEX k x v -> -ERR value is not an integer or out of range
		PSETEX k 9223372036854775807 v -> -ERR invalid expire time in 'psetex' command
		MSET a -> -ERR wrong number of arguments for 'mset' command
		MSET a 1 b -> -ERR wrong number of arguments for 'mset' command
		MSETNX a 1 b -> -ERR wrong number of arguments for 'msetnx' command
		MSET a 1 b 2 a 3 -> +OK
		MGET a b -> *2 $1 3 $1 2
		MSETNX c 1 a 9 -> :0
		EXISTS c -> :0
		MSETNX c 1 d 2 c 3 -> :1
		MGET c d -> *2 $1 3 $1 2
		EXPIRE c 100
		MSET c 4
		TTL c -> :-1
	`)
}

func TestGetEx(t *testing.T) {
	tell(t, `
		GETEX k EX abc -> $-1
		GETEX k EX 1 PX 2 -> -ERR syntax error
		SET k v
		GETEX k -> $1 v
		TTL k -> :-1
		GETEX k EX 10 -> $1 v
		TTL k -> :10
		GETEX k PERSIST -> $1 v
		TTL k -> :-1
		GETEX k PERSIST EX 1 -> -ERR syntax error
		GETEX k EX 1 PERSIST -> -ERR syntax error
		GETEX k KEEPTTL -> -ERR syntax error
		GETEX k EX -> -ERR syntax error
		GETEX k EX abc -> -ERR value is not an integer or out of range
		GETEX k PX 0 -> -ERR invalid expire time in 'getex' command
		GETEX k PX 9223372036854775807 -> -ERR invalid expire time in 'getex' command
		GETEX k PXAT 1700000000000 -> $1 v
		EXISTS k -> :0
		SET k v
		GETEX k EXAT 1 -> $1 v
		EXISTS k -> :0
	`)
}

func TestEdit(t *testing.T) {
	tell(t, `
		APPEND k _ -> :0
		EXISTS k -> :1
		APPEND k ab -> :2
		EXPIRE k 100
		APPEND k cd -> :4
		GET k -> $4 abcd
		TTL k -> :100
		SET n 1
		APPEND n 2 -> :2
		INCR n -> :13
		SETRANGE k 1 XY -> :4
		GET k -> $4 aXYd
		TTL k -> :100
		SETRANGE k 3 1234 -> :7
		GET k -> $7 aXY1234
		SETRANGE new 0 _ -> :0
		EXISTS new -> :0
		SETRANGE k 3 _ -> :7
		SETRANGE n 1 9 -> :2
		GET n -> $2 19
		SETRANGE k x a -> -ERR value is not an integer or out of range
		SETRANGE k -1 a -> -ERR offset is out of range
		SETRANGE k 536870912 a -> -ERR string exceeds maximum allowed size (proto-max-bulk-len)
		SETRANGE k 9223372036854775807 a -> -ERR string exceeds maximum allowed size (proto-max-bulk-len)
		SETRANGE new 9223372036854775807 _ -> :0
	`)
	s := newStore(t)
	s.parsers = command.New(command.Limits{MaxString: 4})
	for _, c := range []struct{ line, want string }{
		{"APPEND k abcdef", ":6"}, // its own size was the reader's business
		{"APPEND k g", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
		{"SETRANGE k 5 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
		{"SETRANGE k 3 x", ":6"},
		{"SETRANGE z 2 ab", ":4"},
	} {
		if got := show(s.do(words(c.line)...)); got != c.want {
			t.Errorf("%s -> %s, want %s", c.line, got, c.want)
		}
	}
	if got := show(s.do("GET", "z")); got != "$4 \x00\x00ab" {
		t.Errorf("padding: %q", got)
	}
}

func TestCounters(t *testing.T) {
	tell(t, `
		INCR n -> :1
		INCRBY n 9 -> :10
		DECR n -> :9
		DECRBY n 4 -> :5
		EXPIRE n 100
		INCR n -> :6
		TTL n -> :100
		INCRBY zero 0 -> :0
		GET zero -> $1 0
		INCRBY n x -> -ERR value is not an integer or out of range
		DECRBY n -9223372036854775808 -> -ERR decrement would overflow
		SET m 9223372036854775807
		INCR m -> -ERR increment or decrement would overflow
		DECRBY m 1 -> :9223372036854775806
		SET m -9223372036854775808
		DECR m -> -ERR increment or decrement would overflow
		INCRBY m -9223372036854775808 -> -ERR increment or decrement would overflow
		INCRBY m 9223372036854775807 -> :-1
		INCRBY neg -9223372036854775808 -> :-9223372036854775808
		SET s 01
		INCR s -> -ERR value is not an integer or out of range
		INCRBYFLOAT s 1 -> $1 2
		INCR s -> :3
		INCRBYFLOAT f 3.0 -> $1 3
		EXPIRE f 100
		INCRBYFLOAT f 0.1 -> $3 3.1
		INCRBYFLOAT f -3.10 -> $1 0
		INCRBYFLOAT f 1e3 -> $4 1000
		TTL f -> :100
		INCRBYFLOAT f inf -> -ERR increment would produce NaN or Infinity
		INCRBYFLOAT f nan -> -ERR value is not a valid float
		INCRBYFLOAT f abc -> -ERR value is not a valid float
		SET t text
		INCRBYFLOAT t 1 -> -ERR value is not a valid float
	`)
}

func TestBlindOperations(t *testing.T) {
	for line, blind := range map[string]bool{
		"SET k v": true, "SET k v EX 9": true, "SET k v PXAT 1": true, "SETEX k 9 v": true, "PSETEX k 9 v": true,
		"MSET a 1 b 2 a 3": true,
		"SET k v NX":       false, "SET k v XX": false, "SET k v GET": false, "SET k v KEEPTTL": false,
		"SET k v IFEQ a": false, "MSETNX a 1": false, "GET k": false, "INCR k": false, "APPEND k v": false, "DEL k": false,
	} {
		s := newStore(t)
		s.do(words(line)...)
		if s.read.Blind != blind {
			t.Errorf("%s: blind is %v", line, s.read.Blind)
		}
	}
}

// What Redis compares as a C string ends at its first NUL.
func TestOptionsEndAtNUL(t *testing.T) {
	s := newStore(t)
	if got := show(s.do("SET", "k", "v", "nx\x00tail")); got != "+OK" {
		t.Error(got)
	}
	if got := show(s.do("SET", "k", "v", "n")); got != "-ERR syntax error" {
		t.Error(got)
	}
	if got := show(s.do("EXPIRE", "k", "1", "fo\x00o")); got != "-ERR Unsupported option fo" {
		t.Error(got)
	}
}

func TestManyKeys(t *testing.T) {
	s := newStore(t)
	args := []string{"MSET"}
	for i := range 1000 {
		args = append(args, strings.Repeat("k", i%50), strings.Repeat("v", i))
	}
	if got := show(s.do(args...)); got != "+OK" || len(s.last.Changes) != 50 {
		t.Fatalf("%s, %d changes", got, len(s.last.Changes))
	}
	if got := show(s.do("STRLEN", strings.Repeat("k", 7))); got != ":957" {
		t.Error(got)
	}
	exists := []string{"EXISTS"}
	for i := range 100 {
		exists = append(exists, strings.Repeat("k", i%60))
	}
	if got := show(s.do(exists...)); got != ":90" {
		t.Error(got)
	}
}

// What edits a value clears nothing and leaves the expiry, also where it makes the key, so that it merges with a
// concurrent write as one field.
func TestEditsWriteTheValueAlone(t *testing.T) {
	for _, line := range []string{"APPEND no a", "APPEND k a", "SETRANGE no 2 a", "SETRANGE k 2 a", "INCRBYFLOAT no 1", "INCRBYFLOAT k 1"} {
		s := newStore(t)
		s.do("SET", "k", "123")
		s.do(words(line)...)
		if len(s.last.Changes) != 1 {
			t.Fatalf("%s: %+v", line, s.last.Changes)
		}
		if c := s.last.Changes[0]; c.Clear != object.ClearNone || c.SetExpiry || !c.SetValue {
			t.Errorf("%s: %+v", line, c)
		}
	}
}
