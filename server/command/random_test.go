package command_test

import (
	"math/rand/v2"
	"strconv"
)

// generator draws command lines over few keys, with edges among the arguments. Expiries are either past or far away, so
// that two servers whose clocks differ a little agree, and drawn from so many that two are hardly ever the same.
type generator struct {
	*rand.Rand
	now func() int64 // ms
}

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

func (g *generator) key() string { return pick(g, "a", "b", "c", "d", "{a}e", "") }

func (g *generator) value() string {
	if g.IntN(3) == 0 {
		return g.integer()
	}
	return pick(g, "", "x", "hello", "007", "-0", "+1", " 1", "1 ", "1.5", "-2.25", "1e3", "0x10", "inf", "nan", "\x00\r\n",
		"9223372036854775808", "a longer text that Redis would keep as a raw string, not as embstr")
}

func (g *generator) integer() string {
	return pick(g, "0", "1", "-1", "2", "-7", "42", "9223372036854775807", "-9223372036854775808", "9223372036854775800",
		strconv.Itoa(g.IntN(2000)-1000))
}

// argument is an integer, mostly.
func (g *generator) argument() string {
	if g.IntN(12) == 0 {
		return pick(g, "", "abc", "1.0", "01", "9223372036854775808", " 3")
	}
	return g.integer()
}

func (g *generator) option(of ...string) string {
	if g.IntN(12) == 0 {
		return pick(g, "FOO", "", "nxx", "keepttl", "persist", "EX", "nx\x00y")
	}
	return pick(g, of...)
}

// far is a time span of hours to years, in ms.
func (g *generator) far() int64 { return 10_000_000 + g.Int64N(1_000_000_000_000) }

// span and moment are expiries: after and at, in units of that many ms.
func (g *generator) span(unit int64) string {
	if g.IntN(3) == 0 {
		return pick(g, "0", "-1", "-100000", "abc", "9223372036854775807", "9223372036854775", "-9223372036854775808")
	}
	return strconv.FormatInt(g.far()/unit, 10)
}

func (g *generator) moment(unit int64) string {
	switch g.IntN(4) {
	case 0:
		return g.span(unit)
	case 1:
		return strconv.FormatInt((g.now()-100_000)/unit, 10)
	}
	return strconv.FormatInt((g.now()+g.far())/unit, 10)
}

func (g *generator) deadlineOption() []string {
	switch g.IntN(4) {
	case 0:
		return []string{"EX", g.span(1000)}
	case 1:
		return []string{"px", g.span(1)}
	case 2:
		return []string{"ExAt", g.moment(1000)}
	}
	return []string{"PXAT", g.moment(1)}
}

func (g *generator) options(max int, words ...string) []string {
	var args []string
	for range g.IntN(max + 1) {
		if g.IntN(3) == 0 {
			args = append(args, g.deadlineOption()...)
		} else {
			args = append(args, g.option(words...))
		}
	}
	return args
}

func (g *generator) keys(max int) []string {
	args := make([]string, 1+g.IntN(max))
	for i := range args {
		args[i] = g.key()
	}
	return args
}

// line draws a command that the arity lets pass.
func (g *generator) line() []string {
	k := g.key()
	switch g.IntN(24) {
	case 0, 1:
		return append([]string{"SET", k, g.value()}, g.options(3, "NX", "xx", "GET", "KeepTTL")...)
	case 2:
		return []string{"SET", k, g.value()}
	case 3:
		return []string{pick(g, "SETNX", "GETSET", "APPEND", "INCRBYFLOAT"), k, g.value()}
	case 4:
		return []string{"SETEX", k, g.span(1000), g.value()}
	case 5:
		return []string{"PSETEX", k, g.span(1), g.value()}
	case 6:
		return append([]string{"GETEX", k}, g.options(2, "PERSIST")...)
	case 7, 8:
		return []string{pick(g, "GET", "STRLEN", "GETDEL", "TYPE", "INCR", "DECR"), k}
	case 9:
		return append([]string{pick(g, "MGET", "EXISTS", "TOUCH")}, g.keys(5)...)
	case 10:
		return append([]string{pick(g, "DEL", "UNLINK")}, g.keys(3)...)
	case 11:
		args := []string{pick(g, "MSET", "MSETNX")}
		for range 1 + g.IntN(3) {
			args = append(args, g.key(), g.value())
		}
		if g.IntN(10) == 0 {
			args = append(args, g.key())
		}
		return args
	case 12:
		return []string{pick(g, "GETRANGE", "SUBSTR"), k, g.argument(), g.argument()}
	case 13:
		return []string{"SETRANGE", k, pick(g, "0", "1", "5", "20", "-1", "abc", "536870912", "9223372036854775807"), g.value()}
	case 14, 15:
		return []string{pick(g, "INCRBY", "DECRBY"), k, g.argument()}
	case 16:
		return append([]string{"EXPIRE", k, g.span(1000)}, g.expireOptions()...)
	case 17:
		return append([]string{"PEXPIRE", k, g.span(1)}, g.expireOptions()...)
	case 18:
		return append([]string{"EXPIREAT", k, g.moment(1000)}, g.expireOptions()...)
	case 19:
		return append([]string{"PEXPIREAT", k, g.moment(1)}, g.expireOptions()...)
	case 20, 21:
		return []string{pick(g, "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "PERSIST"), k}
	case 22:
		return []string{pick(g, "RENAME", "RENAMENX"), k, g.key()}
	}
	args := []string{"COPY", k, g.key()}
	for range g.IntN(3) {
		args = append(args, pick(g, "REPLACE", "db", "DB", "FOO", "replace"))
		if g.IntN(2) == 0 {
			args = append(args, pick(g, "0", "1", "1", "16", "-1", "x", "99999999999"))
		}
	}
	return args
}

func (g *generator) expireOptions() []string {
	var args []string
	for range max(g.IntN(4)-1, 0) {
		args = append(args, g.option("NX", "xx", "GT", "lt"))
	}
	return args
}
