package differential

import (
	"strconv"
	"strings"
)

// command makes the arguments of one command.
type command struct {
	name   string
	weight int
	args   func(g *generator) []string
}

func (g *generator) command() command {
	all := commands()
	total := 0
	for _, c := range all {
		total += c.weight
	}
	n := g.rnd.IntN(total)
	for _, c := range all {
		if n -= c.weight; n < 0 {
			return c
		}
	}
	return all[0]
}

func commands() []command {
	return append(append(stringCommands(), keyCommands()...), nodeCommands()...)
}

func oneKey(g *generator) []string { return []string{g.key()} }

func keyAnd(more ...func(*generator) string) func(*generator) []string {
	return func(g *generator) []string {
		args := []string{g.key()}
		for _, m := range more {
			args = append(args, m(g))
		}
		return args
	}
}

func someKeys(g *generator) []string { return g.keys(g.some(4)) }

func pairs(g *generator) (args []string) {
	for _, k := range g.keys(g.some(4)) {
		args = append(args, k, g.value())
	}
	return args
}

func stringCommands() []command {
	value, integer := (*generator).value, (*generator).integer
	return []command{
		{"GET", 30, oneKey},
		{"SET", 40, func(g *generator) []string { return append([]string{g.key(), g.value()}, g.setOptions()...) }},
		{"SETNX", 6, keyAnd(value)},
		{"SETEX", 6, func(g *generator) []string { return []string{g.key(), g.seconds(false), g.value()} }},
		{"PSETEX", 6, func(g *generator) []string { return []string{g.key(), g.seconds(true), g.value()} }},
		{"GETSET", 6, keyAnd(value)},
		{"GETDEL", 6, oneKey},
		{"GETEX", 12, func(g *generator) []string { return append([]string{g.key()}, g.getexOptions()...) }},
		{"MGET", 10, someKeys},
		{"MSET", 10, pairs},
		{"MSETNX", 8, func(g *generator) (args []string) {
			for _, k := range append(g.pair(), g.pair()...)[:g.some(4)] {
				args = append(args, k, g.value())
			}
			return args
		}},
		{"APPEND", 12, keyAnd(value)},
		{"STRLEN", 8, oneKey},
		{"GETRANGE", 12, keyAnd((*generator).index, (*generator).index)},
		{"SUBSTR", 4, keyAnd((*generator).index, (*generator).index)},
		{"SETRANGE", 12, keyAnd((*generator).offset, value)},
		{"INCR", 12, oneKey},
		{"DECR", 8, oneKey},
		{"INCRBY", 14, keyAnd(integer)},
		{"DECRBY", 10, keyAnd(integer)},
		{"INCRBYFLOAT", 18, keyAnd((*generator).float)},
	}
}

func keyCommands() []command {
	return []command{
		{"DEL", 6, someKeys},
		{"UNLINK", 3, someKeys},
		{"EXISTS", 8, someKeys},
		{"TOUCH", 4, someKeys},
		{"TYPE", 6, oneKey},
		{"EXPIRE", 10, func(g *generator) []string { return g.expire(g.seconds(false)) }},
		{"PEXPIRE", 8, func(g *generator) []string { return g.expire(g.seconds(true)) }},
		{"EXPIREAT", 8, func(g *generator) []string { return g.expire(g.instant(false, true)) }},
		{"PEXPIREAT", 8, func(g *generator) []string { return g.expire(g.instant(true, true)) }},
		{"TTL", 8, oneKey},
		{"PTTL", 8, oneKey},
		{"EXPIRETIME", 6, oneKey},
		{"PEXPIRETIME", 6, oneKey},
		{"PERSIST", 6, oneKey},
		{"RENAME", 8, (*generator).pair},
		{"RENAMENX", 8, (*generator).pair},
		{"COPY", 12, func(g *generator) []string { return append(g.pair(), g.copyOptions()...) }},
		{"OBJECT", 8, func(g *generator) []string {
			return []string{pick(g, []string{"ENCODING", "ENCODING", "ENCODING", "encoding", "FREQ", "REFCOUNT", "IDLETIME", "FOO"}), g.key()}
		}},
		{"MEMORY", 2, func(g *generator) []string {
			return append([]string{"USAGE", g.key()}, pick(g, [][]string{nil, nil, {"SAMPLES", "5"}, {"SAMPLES", "-1"}, {"SAMPLES", "x"}, {"FOO", "1"}})...)
		}},
	}
}

func nodeCommands() []command {
	return []command{
		{"KEYS", 4, func(g *generator) []string { return []string{g.glob()} }},
		{"SCAN", 4, func(g *generator) []string {
			return append([]string{pick(g, []string{"0", "0", "0", "00", "abc", "-1", "", "18446744073709551616", "1.5", " 0"})},
				append(g.scanOptions(), "COUNT", "100000")...)
		}},
		{"DBSIZE", 4, func(*generator) []string { return nil }},
		{"RANDOMKEY", 2, func(*generator) []string { return nil }},
		{"WATCH", 6, func(g *generator) []string {
			args := []string{watchTag + strconv.Itoa(g.some(6)), watchTag + strconv.Itoa(g.some(6))}
			return args[:g.some(2)]
		}},
		{"UNWATCH", 2, func(*generator) []string { return nil }},
		{"SELECT", 6, func(g *generator) []string {
			return []string{pick(g, []string{"0", "0", "0", "1", "2", "15", "16", "-1", "abc", "", "1.0", "99999999999", "9223372036854775808", "01"})}
		}},
		{"FLUSHDB", 1, func(g *generator) []string {
			return pick(g, [][]string{nil, {"ASYNC"}, {"SYNC"}, {"async"}, {"FOO"}, {"SYNC", "ASYNC"}})
		}},
		{"FLUSHALL", 1, func(g *generator) []string { return pick(g, [][]string{nil, {"ASYNC"}, {"SYNC"}, {"FOO"}}) }},
		{"CLUSTER", 2, func(g *generator) []string {
			slot := func() string { return pick(g, []string{"15891", "15495", "0", "16383", "16384", "-1", "abc", ""}) }
			sub := pick(g, []string{"KEYSLOT", "KEYSLOT", "COUNTKEYSINSLOT", "GETKEYSINSLOT"})
			switch {
			case sub == "KEYSLOT":
				return []string{sub, g.key()}
			case sub == "COUNTKEYSINSLOT":
				return []string{sub, slot()}
			}
			return []string{sub, slot(), pick(g, []string{"1000", "1000", "0", "-1", "abc", "9223372036854775808"})}
		}},
	}
}

func (g *generator) glob() string {
	return pick(g, []string{
		"*", "*", "{t}*", "key:?", "key:[12]", "key:[^1]", "key:[1-2]", "key:[2-1]", "[a-c]", "[", "[a", "[^", "a\\*b*", "\\", "?", "??", "", "nothing", "**", "*t*", "*\xff*",
		"[\\a]", "{t}[!1]", "*1", "a*b\\?\\[c\\]", strings.Repeat("*a", 20), "key:[]", "key:[]1]", "x{t}", "[a-]", "[-a]",
	})
}

func (g *generator) scanOptions() []string {
	return pick(g, [][]string{
		nil, nil, {"MATCH", "*"}, {"MATCH", g.glob()}, {"COUNT", "1"}, {"COUNT", "3"}, {"COUNT", "1000"}, {"TYPE", "string"}, {"TYPE", "STRING"}, {"TYPE", "hash"}, {"TYPE", "nothing"},
		{"MATCH", g.glob(), "COUNT", "2", "TYPE", "string"}, {"match", "{t}*", "count", "5"}, {"COUNT", "0"}, {"COUNT", "-1"}, {"COUNT", "abc"}, {"COUNT"}, {"MATCH"}, {"FOO", "1"}, {"COUNT", "1", "COUNT", "5"},
		{"TYPE"}, {"COUNT", "9223372036854775807"}, {"MATCH", "nothing", "MATCH", "*"},
	})
}

func (g *generator) setOptions() (opts []string) {
	if g.chance(50) {
		return nil
	}
	for range g.some(3) {
		switch g.rnd.IntN(10) {
		case 0, 1:
			opts = append(opts, "EX", g.seconds(false))
		case 2:
			opts = append(opts, "PX", g.seconds(true))
		case 3:
			opts = append(opts, "EXAT", g.instant(false, g.lapsing))
		case 4:
			opts = append(opts, "PXAT", g.instant(true, g.lapsing))
		default:
			opts = append(opts, pick(g, []string{"NX", "XX", "GET", "KEEPTTL", "nx", "Xx", "get", "keepttl", "EX", "PXAT", "FOO", ""}))
		}
	}
	return opts
}

func (g *generator) getexOptions() (opts []string) {
	for range g.rnd.IntN(3) {
		switch g.rnd.IntN(8) {
		case 0, 1:
			opts = append(opts, "EX", g.seconds(false))
		case 2:
			opts = append(opts, "PX", g.seconds(true))
		case 3:
			opts = append(opts, "EXAT", g.instant(false, true))
		case 4:
			opts = append(opts, "PXAT", g.instant(true, true))
		default:
			opts = append(opts, pick(g, []string{"PERSIST", "PERSIST", "persist", "EX", "KEEPTTL", "NX", "FOO", ""}))
		}
	}
	return opts
}

func (g *generator) expire(when string) []string {
	args := []string{g.key(), when}
	if g.chance(50) {
		for range g.some(2) {
			args = append(args, pick(g, []string{"NX", "XX", "GT", "LT", "nx", "gt", "FOO", ""}))
		}
	}
	return args
}

func (g *generator) copyOptions() (opts []string) {
	for range g.rnd.IntN(3) {
		opts = append(opts, pick(g, [][]string{
			{"REPLACE"}, {"REPLACE"}, {"replace"}, {"DB", "0"}, {"DB", "1"}, {"DB", "2"}, {"DB", "16"}, {"DB", "-1"}, {"DB", "abc"}, {"DB"}, {"FOO"}, {"DB", "9223372036854775808"},
		})...)
	}
	return opts
}
