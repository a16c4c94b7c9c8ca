package command_test

import (
	"testing"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/server/command"
)

func TestKeys(t *testing.T) {
	s := tell(t, `
		MSET a 1 b 2
		EXISTS a a b no -> :3
		TOUCH a a no -> :2
		TYPE a -> +string
		TYPE no -> +none
		DEL a a no -> :1
		EXISTS a -> :0
		UNLINK b -> :1
		DEL b -> :0
	`)
	s.unchanged(t)
}

func TestExpire(t *testing.T) {
	tell(t, `
		EXPIRE no 100 -> :0
		TTL no -> :-2
		EXPIRETIME no -> :-2
		SET k v
		TTL k -> :-1
		PEXPIRETIME k -> :-1
		PERSIST k -> :0
		EXPIRE k 100 XX -> :0
		EXPIRE k 100 GT -> :0
		EXPIRE k 100 LT -> :1
		EXPIRE k 100 LT -> :0
		EXPIRE k 100 NX -> :0
		EXPIRE k 200 GT XX -> :1
		EXPIRE k 100 GT -> :0
		PEXPIRE k 1499 -> :1
		TTL k -> :1
		PEXPIRE k 1500 -> :1
		TTL k -> :2
		wait 1500
		EXISTS k -> :1
		PTTL k -> :0
		wait 1
		EXISTS k -> :0
		PERSIST k -> :0
		SET k v
		EXPIREAT k 1800000000 -> :1
		EXPIRETIME k -> :1800000000
		PEXPIREAT k 1800000000499 -> :1
		EXPIRETIME k -> :1800000000
		PEXPIREAT k 1800000000500 -> :1
		EXPIRETIME k -> :1800000001
		PERSIST k -> :1
		TTL k -> :-1
		PEXPIREAT k 9223372036854775807 -> :1
		EXPIRETIME k -> :9223372036854776
		EXPIRE k 9223372036854775807 -> -ERR invalid expire time in 'expire' command
		PEXPIRE k 9223372036854775807 -> -ERR invalid expire time in 'pexpire' command
		EXPIREAT k -9223372036854775808 -> -ERR invalid expire time in 'expireat' command
		EXPIRE k x FOO -> -ERR Unsupported option FOO
		EXPIRE k x NX XX -> -ERR NX and XX, GT or LT options at the same time are not compatible
		EXPIRE k x GT LT -> -ERR GT and LT options at the same time are not compatible
		EXPIRE k x -> -ERR value is not an integer or out of range
		PEXPIRE k -9223372036854775808 -> :1
		EXISTS k -> :0
		SET k v
		EXPIRE k 0 -> :1
		EXISTS k -> :0
		INCR n -> :1
		PEXPIRE n 5 -> :1
		wait 6
		INCR n -> :1
		TTL n -> :-1
	`)
}

func TestRenameAndCopy(t *testing.T) {
	s := tell(t, `
		RENAME no x -> -ERR no such key
		RENAME no no -> -ERR no such key
		RENAMENX no no -> -ERR no such key
		SET a 1 EX 100
		RENAME a a -> +OK
		RENAMENX a a -> :0
		SET b old
		RENAMENX a b -> :0
		RENAME a b -> +OK
		EXISTS a -> :0
		GET b -> $1 1
		TTL b -> :100
		SET plain v
		RENAME plain b -> +OK
		TTL b -> :-1
		RENAMENX b c -> :1
		INCRBY n 41
		INCR n
		RENAME n m -> +OK
		INCR m -> :43
		COPY m m -> -ERR source and destination objects are the same
		COPY m m DB 0 -> -ERR source and destination objects are the same
		COPY no no DB 1 -> :0
		COPY m m DB 1 -> :1
		COPY m m DB 1 -> :0
		INCR m -> :44
		COPY m m DB 1 REPLACE -> :1
		db 1
		GET m -> $2 44
		db 0
		COPY m x DB 16 -> -ERR DB index is out of range
		COPY m x DB -1 -> -ERR DB index is out of range
		COPY m x DB y -> -ERR value is not an integer or out of range
		COPY m x DB 99999999999 -> -ERR value is out of range, value must between -2147483648 and 2147483647
		COPY m x DB -> -ERR syntax error
		COPY m x FOO -> -ERR syntax error
		EXPIRE m 100
		COPY m x REPLACE -> :1
		TTL x -> :100
		RENAME m m -> +OK
	`)
	s.unchanged(t)

	s.parsers = command.New(command.Limits{OneDatabase: true})
	if got := show(s.do("COPY", "m", "m", "DB", "1")); got != "-ERR Copying to another database is not allowed in cluster mode" {
		t.Error(got)
	}
}

// A counter that was renamed or copied is a base of its own, so that no increment counts twice.
func TestRenamedCounterIsABase(t *testing.T) {
	s := tell(t, `
		INCRBY n 5
		RENAME n m
	`)
	k := s.load(object.KeyRef{Name: []byte("m")}, s.now)
	if k.Row.Value.Kind != object.ValueBase || k.Row.Value.Int != 5 || len(k.Row.Totals) != 0 {
		t.Errorf("row %+v", k.Row)
	}
}

func TestInspect(t *testing.T) {
	tell(t, `
		OBJECT ENCODING no -> $-1
		OBJECT FREQ no -> $-1
		OBJECT IDLETIME no -> $-1
		OBJECT REFCOUNT no -> $-1
		MEMORY USAGE no -> $-1
		SET n 9223372036854775807
		OBJECT ENCODING n -> $3 int
		SET n 9223372036854775808
		OBJECT ENCODING n -> $6 embstr
		SET n aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
		OBJECT ENCODING n -> $6 embstr
		APPEND n a
		OBJECT ENCODING n -> $3 raw
		OBJECT REFCOUNT n -> :1
		OBJECT IDLETIME n -> -ERR Access times are not kept, idle time not tracked.
		OBJECT FREQ n -> -ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
		OBJECT FOO n -> -ERR unknown subcommand 'FOO'. Try OBJECT HELP.
		MEMORY USAGE n SAMPLES -> -ERR syntax error
		MEMORY USAGE n SAMPLES -1 -> -ERR syntax error
		MEMORY USAGE n SAMPLES x -> -ERR value is not an integer or out of range
		MEMORY USAGE no SAMPLES 0 -> $-1
		MEMORY USAGE n FOO -> -ERR syntax error
	`)
	s := newStore(t)
	s.do("SET", "k", "12345-not-int")
	got := s.do("MEMORY", "USAGE", "k", "SAMPLES", "0").Int
	row := s.rows[storeKey(object.KeyRef{Name: []byte("k")})]
	if want := int64(1+2+1+5+1+1) + int64(len(row)); got != want {
		t.Errorf("MEMORY USAGE %d, want %d", got, want)
	}
}

func TestSlot(t *testing.T) {
	for key, want := range map[string]object.Slot{
		"": 0, "123456789": 0x31c3, "foo": 12182, "bar": 5061, "hello": 866, "{user1000}.following": 3443, "{user1000}.followers": 3443,
		"foo{}{bar}": 8363, "foo{{bar}}zap": 4015, "foo{bar}{zap}": 5061, "{}": 15257, "{": 4092,
	} {
		if got := command.Slot([]byte(key)); got != want {
			t.Errorf("Slot(%q) = %d, want %d", key, got, want)
		}
	}
}

// slowSlot computes the checksum bit by bit.
func slowSlot(key []byte) object.Slot {
	c := uint16(0)
	for _, b := range key {
		c ^= uint16(b) << 8
		for range 8 {
			if c&0x8000 != 0 {
				c = c<<1 ^ 0x1021
			} else {
				c <<= 1
			}
		}
	}
	return object.Slot(c % 16384)
}

func FuzzSlot(f *testing.F) {
	f.Add([]byte("123456789"))
	f.Fuzz(func(t *testing.T, key []byte) {
		for i, b := range key {
			if b == '{' {
				key[i] = '('
			}
		}
		if got, want := command.Slot(key), slowSlot(key); got != want {
			t.Errorf("Slot(%q) = %d, want %d", key, got, want)
		}
	})
}
