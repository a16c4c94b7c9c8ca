package server

import (
	"errors"
	"strings"
	"testing"
)

func TestMulti(t *testing.T) {
	r := newRig(t)
	c := r.dial(r.cluster)
	c.want("-ERR EXEC without MULTI", "EXEC")
	c.want("-ERR DISCARD without MULTI", "DISCARD")
	c.want("OK", "MULTI")
	c.want("-ERR MULTI calls can not be nested", "MULTI")
	c.want("QUEUED", "SET", "{t}a", "1")
	c.want("QUEUED", "INCR", "{t}a")
	c.want("QUEUED", "PING")
	c.want("QUEUED", "GET", "{t}a")
	c.want("QUEUED", "SET", "{t}a", "v", "BAD")
	c.want("QUEUED", "SELECT", "3")
	c.want("QUEUED", "DBSIZE")
	c.want("QUEUED", "DEL", "{t}a")
	c.want(`[OK :2 PONG "2" -ERR syntax error -ERR SELECT is not allowed in cluster mode :1 :1]`, "EXEC")
	c.want("nil", "GET", "{t}a")

	c.want("OK", "MULTI")
	c.want("QUEUED", "SET", "a", "1")
	c.want("-ERR WATCH inside MULTI is not allowed", "WATCH", "a")
	c.want("-ERR wrong number of arguments for 'get' command", "GET")
	c.want("-EXECABORT Transaction discarded because of previous errors.", "EXEC")
	c.want("nil", "GET", "a")

	c.want("OK", "MULTI")
	c.want("-CROSSSLOT Keys in request don't hash to the same slot", "MGET", "a", "b")
	c.want("-EXECABORT Transaction discarded because of previous errors.", "EXEC")
	c.want("OK", "MULTI")
	c.want("QUEUED", "SET", "a", "1")
	c.want("QUEUED", "SET", "b", "1")
	c.want("-CROSSSLOT Keys in request don't hash to the same slot", "EXEC")
	c.want("nil", "GET", "a")

	c.want("OK", "MULTI")
	c.want("QUEUED", "SET", "a", "1")
	c.want("OK", "DISCARD")
	c.want("nil", "GET", "a")
	c.want("OK", "MULTI")
	c.want("[]", "EXEC")
}

func TestMultiOverSlots(t *testing.T) {
	r := newRig(t)
	f := r.dial(r.forward)
	f.want("OK", "MULTI")
	f.want("QUEUED", "SET", "a", "1")
	f.want("QUEUED", "SET", "b", "2")
	f.want("QUEUED", "MGET", "b", "a", "zz")
	f.want("QUEUED", "SELECT", "2")
	f.want("QUEUED", "SET", "a", "other")
	f.want("QUEUED", "FLUSHDB")
	f.want("QUEUED", "GET", "a")
	f.want("QUEUED", "SELECT", "0")
	f.want("QUEUED", "MSETNX", "{t}1", "1", "{t}2", "2")
	f.want("QUEUED", "GET", "b")
	f.want(`[OK OK ["2" "1" nil] OK OK OK nil OK :1 "2"]`, "EXEC")
	if n := r.srv.totals.splitMulti.Load(); n != 1 {
		t.Errorf("%d transactions over several slots counted, want 1", n)
	}
	f.want("OK", "MULTI")
	f.want("-CROSSSLOT Keys in request don't hash to the same slot", "RENAME", "a", "b")
	f.want("-EXECABORT Transaction discarded because of previous errors.", "EXEC")
}

func TestWatch(t *testing.T) {
	r := newRig(t)
	a, b := r.dial(r.cluster), r.dial(r.forward)
	a.want("OK", "SET", "k", "1")
	a.want("OK", "WATCH", "k")
	a.want("OK", "MULTI")
	a.want("QUEUED", "SET", "k", "mine")
	b.want("OK", "SET", "k", "theirs")
	a.want("nilarray", "EXEC")
	a.want(`"theirs"`, "GET", "k")

	a.want("OK", "WATCH", "k")
	a.want("OK", "MULTI")
	a.want("QUEUED", "SET", "k", "mine")
	a.want("[OK]", "EXEC")

	a.want("OK", "WATCH", "k")
	b.want(":1", "DEL", "k")
	a.want("OK", "UNWATCH")
	a.want("OK", "MULTI")
	a.want("QUEUED", "SET", "k", "again")
	a.want("[OK]", "EXEC")

	// A watched key that was not touched, and only commands that are not on keys.
	a.want("OK", "WATCH", "k")
	b.want(":1", "EXPIRE", "k", "100")
	a.want("OK", "MULTI")
	a.want("QUEUED", "PING")
	a.want("nilarray", "EXEC")
	a.want("OK", "WATCH", "k")
	b.want(":1", "PERSIST", "k")
	a.want("OK", "MULTI")
	a.want("nilarray", "EXEC")

	b.want("-CROSSSLOT Keys in request don't hash to the same slot", "WATCH", "a", "b")
	b.want("OK", "WATCH", "a")
	b.want("-CROSSSLOT Keys in request don't hash to the same slot", "WATCH", "b")
	b.want("OK", "MULTI")
	b.want("QUEUED", "SET", "b", "1")
	b.want("-CROSSSLOT Keys in request don't hash to the same slot", "EXEC")
	b.want("nil", "GET", "b")
}

func TestStoreErrors(t *testing.T) {
	full := errors.New("full")
	r := newRig(t)
	r.srv.opt.StoreError = nil
	c := r.dialAny()
	c.want("OK", "SET", "k", "v")
	r.store.setFailure(full)
	if got := show(c.do("GET", "k")); !strings.HasPrefix(got, "-MISCONF") {
		t.Errorf("GET from a broken store: %s", got)
	}
	c.want("OK", "MULTI")
	c.want("QUEUED", "GET", "k")
	if got := show(c.do("EXEC")); !strings.HasPrefix(got, "-MISCONF") {
		t.Errorf("EXEC on a broken store: %s", got)
	}
	r.store.setFailure(nil)
	c.want(`"v"`, "GET", "k")
}
