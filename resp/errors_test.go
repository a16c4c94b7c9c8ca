package resp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// errorCase is a command that fails after others that do not matter.
type errorCase struct {
	want Error
	last string
	prep string // commands before, separated by semicolons
}

func (c errorCase) run(t *testing.T, r *realRedis) {
	t.Helper()
	r.do("RESET")
	for _, p := range strings.Split(c.prep, ";") {
		if p = strings.TrimSpace(p); p != "" {
			r.do(strings.Fields(p)...)
		}
	}
	if got := r.do(strings.Fields(c.last)...); wire(got) != wire(c.want.Value()) {
		t.Errorf("%s: redis %q, here %q", c.last, wire(got), c.want)
	}
}

func TestErrorsEqualRedis(t *testing.T) {
	r := startRedis(t)
	b := func(s string) []byte { return []byte(s) }
	for _, c := range []errorCase{
		{ErrSyntax, "SET k v BAD", ""},
		{ErrWrongType, "GET l", "RPUSH l x"},
		{ErrNoSuchKey, "RENAME nosuch k", ""},
		{ErrSameObject, "COPY k k", "SET k v"},
		{ErrOffsetRange, "SETRANGE k -1 x", ""},
		{ErrStringTooLong, "SETRANGE k 536870912 x", ""},
		{ErrInvalidCursor, "SCAN x", ""},
		{ErrNumKeys, "SINTERCARD 0 k", ""},
		{ErrCountMinusOne, "SLOWLOG GET -2", ""},
		{ErrTimeoutNotInt, "CLIENT PAUSE x", ""},
		{ErrTimeoutNotNum, "BLPOP k x", ""},
		{ErrTimeoutNeg, "WAIT 0 -1", ""},
		{ErrNotPositive, "LPOP l -1", "RPUSH l x"},
		{ErrIndexRange, "LSET l 9 x", "DEL l;RPUSH l x"},
		{ErrNoLFUPolicy, "OBJECT FREQ k", "SET k v"},
		{ErrNoShutdown, "SHUTDOWN ABORT", ""},
		{ErrNotInteger, "INCR k", "SET k v"},
		{ErrNotInteger, "SELECT x", ""},
		{ErrNotFloat, "INCRBYFLOAT k x", "SET k 1"},
		{ErrIncrOverflow, "INCR k", "SET k 9223372036854775807"},
		{ErrDecrOverflow, "DECRBY k -9223372036854775808", "SET k 1"},
		{ErrIncrNaN, "INCRBYFLOAT k inf", "SET k 1"},
		{ErrMinMaxFloat, "ZCOUNT z a b", ""},
		{ErrHashNotInt, "HINCRBY h f 1", "HSET h f x"},
		{ErrHashNotFloat, "HINCRBYFLOAT h f 1", "HSET h f x"},
		{ErrNotNumOrInf, "HINCRBYFLOAT h f inf", ""},
		{ErrExpireNXOther, "EXPIRE k 1 NX XX", ""},
		{ErrExpireGTLT, "EXPIRE k 1 GT LT", ""},
		{UnsupportedOption(b("BAD")), "EXPIRE k 1 BAD", ""},
		{InvalidExpire("set"), "SET k v EX 0", ""},
		{InvalidExpire("expire"), "EXPIRE k 9223372036854775807", "SET k v"},
		{InvalidExpire("getex"), "GETEX k EX 0", "SET k v"},
		{ErrExecNoMulti, "EXEC", ""},
		{ErrDiscardNoMulti, "DISCARD", ""},
		{ErrNestedMulti, "MULTI", "MULTI"},
		{ErrWatchInMulti, "WATCH k", "MULTI"},
		{ErrExecAbort, "EXEC", "MULTI;NOSUCH"},
		{ErrNotAllowedMulti, "SYNC", "MULTI"},
		{ErrDBIndex, "SELECT 99", ""},
		{ErrFirstDBIndex, "SWAPDB x 1", ""},
		{ErrSecondDBIndex, "SWAPDB 1 x", ""},
		{ErrClusterDisabled, "CLUSTER INFO", ""},
		{ErrNoPassword, "AUTH x", ""},
		{ErrWrongPass, "AUTH nosuch x", ""},
		{ErrNoProto, "HELLO 4", ""},
		{ErrProtoNotInt, "HELLO x", ""},
		{HelloOption(b("BAD")), "HELLO 2 BAD", ""},
		{ErrNoSuchClient, "CLIENT KILL 1.2.3.4:5", ""},
		{ErrClientID, "CLIENT LIST ID x", ""},
		{ErrClientIDPos, "CLIENT KILL ID 0", ""},
		{UnknownClientType(b("bad")), "CLIENT LIST TYPE bad", ""},
		{NoSuchUser(b("nosuch")), "CLIENT KILL USER nosuch", ""},
		{ErrPauseMode, "CLIENT PAUSE 1 BAD", ""},
		{ErrDefaultUser, "ACL DELUSER default", ""},
		{ErrPassBits, "ACL GENPASS 0", ""},
		{ACLModifier(b("bad"), ACLSyntax), "ACL SETUSER u bad", ""},
		{ACLModifier(b("#12"), ACLHash), "ACL SETUSER u #12", ""},
		{ACLModifier(b("<x"), ACLNoPassword), "ACL SETUSER u <x", ""},
		{ACLModifier(b("+nosuch"), ACLUnknown), "ACL SETUSER u +nosuch", ""},
		{UnknownCategory(b("nosuch")), "ACL CAT nosuch", ""},
		{ErrUnblockReason, "CLIENT UNBLOCK 1 BAD", ""},
		{ErrGetKeysCommand, "COMMAND GETKEYS nosuch k", ""},
		{ErrGetKeysNone, "COMMAND GETKEYS ECHO k", ""},
		{ErrGetKeysArity, "COMMAND GETKEYS GET k k", ""},
		{ErrNoConfigFile, "CONFIG REWRITE", ""},
		{ConfigUnknown(b("nosuch")), "CONFIG SET nosuch 1", ""},
		{ConfigDuplicate("maxclients"), "CONFIG SET maxclients 100 maxclients 101", ""},
		{ConfigImmutable("databases"), "CONFIG SET databases 3", ""},
		{WrongArity("get"), "GET", ""},
		{WrongArity("client|kill"), "CLIENT KILL", ""},
		{UnknownSubcommand(b("cliEnt"), b("Nosuch")), "cliEnt Nosuch x", ""},
		{SubcommandSyntax(b("pubSub"), b("Channels")), "pubSub Channels a b", ""},
		{NoPermCommand("get"), "GET k", "ACL SETUSER u on nopass allkeys -get;AUTH u x"},
		{NoPermCommand("client|list"), "CLIENT LIST", "ACL SETUSER u on nopass allkeys +@all -client|list;AUTH u x"},
		{ErrNoPermKey, "GET k", "ACL SETUSER u on nopass resetkeys +@all;AUTH u x"},
		{ErrNoPermChannel, "PUBLISH c x", "ACL SETUSER u on nopass resetchannels +@all;AUTH u x"},
		{ErrBusyKey, "RESTORE k 0 x", "SET k v"},
		{ErrOOM, "SET k v", "SET k v;CONFIG SET maxmemory 1"},
		{DebugNotAllowed("MODULE", "enable-module-command"), "MODULE LOAD x", "CONFIG SET maxmemory 0"},
	} {
		c.run(t, r)
	}
}

func TestPasswordErrorsEqualRedis(t *testing.T) {
	r := startRedis(t)
	r.do("CONFIG", "SET", "requirepass", "secret")
	second, err := net.Dial("unix", r.conn.RemoteAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	out := &realRedis{t: t, conn: second}
	for last, want := range map[string]Error{
		"GET k": ErrNoAuth, "HELLO 3": ErrNoAuthHello, "AUTH wrong": ErrWrongPass, "HELLO 3 AUTH default wrong": ErrWrongPass,
	} {
		errorCase{want: want, last: last}.run(t, out)
	}
	for raw, want := range map[string]Error{
		"*11\r\n": ErrProtoMultibulkNoPwd, "*1\r\n$16385\r\n": ErrProtoBulkNoPwd,
	} {
		protocolError(t, r, raw, want)
	}
}

func TestClusterErrorsEqualRedis(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	r := startRedis(t, "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(port))
	for _, c := range []errorCase{
		{ErrSlotNotServed, "GET k", ""},
		{ErrSelectCluster, "SELECT 1", ""},
		{ErrSwapDBCluster, "SWAPDB 0 1", ""},
		{ErrInvalidSlot, "CLUSTER ADDSLOTS x", ""},
		{ErrSlotOnly, "CLUSTER COUNTKEYSINSLOT 16384", ""},
		{ErrSlotOrKeyCount, "CLUSTER GETKEYSINSLOT 0 -1", ""},
	} {
		c.run(t, r)
	}
	r.do("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	for range 100 { // a new cluster takes two seconds to serve
		if containsLine(r.do("CLUSTER", "INFO").Str, "cluster_state:ok") {
			break
		}
		r.do("DEBUG", "SLEEP", "0.1")
	}
	errorCase{ErrCrossSlot, "MGET a b", ""}.run(t, r)
	errorCase{ErrMoveCluster, "MOVE k 0", ""}.run(t, r)
	errorCase{ErrCopyDBCluster, "COPY {k}1 {k}2 DB 1", ""}.run(t, r)
}

// protocolError sends bytes over a connection of their own and wants one error
// and the end.
func protocolError(t *testing.T, r *realRedis, raw string, want Error) {
	t.Helper()
	conn, err := net.Dial("unix", r.conn.RemoteAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.WriteString(conn, raw) // may be refused before all of it is read
	got, err := io.ReadAll(conn)
	if err != nil && len(got) == 0 {
		t.Fatalf("%.40q: %v", raw, err)
	}
	if string(got) != wire(want.Value()) {
		t.Errorf("%.40q: redis %q, here %q", raw, got, wire(want.Value()))
	}
}

func TestProtocolErrorsEqualRedis(t *testing.T) {
	r := startRedis(t)
	long := strings.Repeat("1", 65*1024)
	for raw, want := range map[string]Error{
		"*2147483648\r\n":       ErrProtoMultibulkLen,
		"*x\r\n":                ErrProtoMultibulkLen,
		"*1\r\n$-1\r\n":         ErrProtoBulkLen,
		"*1\r\n$9999999999\r\n": ErrProtoBulkLen,
		"*1\r\nping\r\n":        ProtoExpectedBulk('p'),
		"*1\r\n\rx\r\n":         ProtoExpectedBulk('\r'),
		"set \"k v\r\n":         ErrProtoQuotes,
		"*" + long:              ErrProtoMultibulkBig,
		"*1\r\n$" + long:        ErrProtoBulkBig,
		long:                    ErrProtoInlineTooBig,
	} {
		protocolError(t, r, raw, want)
	}
}

func TestMaxClientsEqualsRedis(t *testing.T) {
	r := startRedis(t, "--maxclients", "1")
	protocolError(t, r, "", ErrMaxClients)
}

// TestUnknownCommandEqualsRedis tries how names and arguments are cut.
func TestUnknownCommandEqualsRedis(t *testing.T) {
	r := startRedis(t)
	long := func(c string, n int) string { return strings.Repeat(c, n) }
	for _, args := range [][]string{
		{"nosuch"}, {"nosuch", ""}, {"NoSuch", "a", "b"}, {long("n", 127), "x"}, {long("n", 128)}, {long("n", 129)},
		{"x", long("a", 124), "b", "c"}, {"x", long("a", 125), "b", "c"}, {"x", long("a", 126), "b"},
		{"x", long("a", 127), "b"}, {"x", long("a", 128), "b"}, {"x", long("a", 300), "b"},
		{"x", long("a", 60), long("b", 60), long("c", 60)}, {"x\r\ny", "a\nb"}, {"x\x00y", "a\x00b", "c"},
		{"CLIENT", long("s", 129)}, {"cLuster", "no\r\nsuch"}, {"config", "x\x00y"}, {"hset|x", "a"}, {""},
	} {
		raw := make([][]byte, len(args))
		for i, a := range args {
			raw[i] = []byte(a)
		}
		if Resolve(raw) != nil {
			t.Errorf("%q is known", args)
		}
		got, want := r.do(args...), Unknown(Lookup(raw[0]), raw).Value()
		if wire(got) != wire(want) {
			t.Errorf("%.40q:\nredis %q\n here %q", args, wire(got), wire(want))
		}
	}
}

func TestErrorsOfTheNode(t *testing.T) {
	for want, got := range map[string]Error{
		"CLUSTERDOWN UNAVAILABLE need 2 of 3 home replicas, 1 reachable": Unavailable(Acks{Got: 1, Need: 2, Of: 3}, true),
		"UNAVAILABLE need 2 of 3 home replicas, 1 reachable":             Unavailable(Acks{Got: 1, Need: 2, Of: 3}, false),
		"TIMEOUT unknown, acks 1 of 2":                                   Timeout(Acks{Got: 1, Need: 2, Of: 3}),
		"MOVED 16383 10.0.0.1:6379":                                      Moved(16383, "10.0.0.1:6379"),
		"ERR value is out of range, value must between -1 and 5":         NotInRange(-1, 5),
		"EXECABORT Transaction discarded because of: x":                  ExecAborted("x"),
	} {
		if string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	wrapped := fmt.Errorf("set k: %w", ErrSyntax)
	if e := Error(""); !errors.Is(wrapped, ErrSyntax) || !errors.As(wrapped, &e) || e != ErrSyntax {
		t.Error("a wrapped Error is not found")
	}
}

// Redis trims line breaks at the end of an error and makes others spaces.
func TestUnsupportedOptionLineBreaks(t *testing.T) {
	r := startRedis(t)
	for _, opt := range []string{"*3\r\n", "\n\n", "a\r\nb\n", "\r"} {
		if got, want := wire(Err(UnsupportedOption([]byte(opt)))), wire(r.do("EXPIRE", "k", "1", opt)); got != want {
			t.Errorf("%q: %q, Redis says %q", opt, got, want)
		}
	}
}
