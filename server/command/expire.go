package command

import (
	"math"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

func expireParsers() map[string]Parser {
	return map[string]Parser{
		"expire":      expiring("expire", afterSeconds),
		"pexpire":     expiring("pexpire", afterMillis),
		"expireat":    expiring("expireat", atSeconds),
		"pexpireat":   expiring("pexpireat", atMillis),
		"ttl":         onlyKey(timeLeft(afterSeconds)),
		"pttl":        onlyKey(timeLeft(afterMillis)),
		"expiretime":  onlyKey(timeLeft(atSeconds)),
		"pexpiretime": onlyKey(timeLeft(atMillis)),
		"persist":     onlyKey(evalPersist),
	}
}

// expireOption is a set of the options of the EXPIRE family.
type expireOption uint8

const (
	onlyWithout expireOption = 1 << iota // NX
	onlyWith                             // XX
	onlyLater                            // GT
	onlyEarlier                          // LT
)

// expire is the EXPIRE family: https://redis.io/commands/expire. It writes the expiry alone; a time that is not in the
// future deletes the key.
type expire struct {
	oneKey
	command string
	form    deadlineForm
	n       int64 // ms, of either sign
	options expireOption
}

func expiring(command string, form deadlineForm) Parser {
	return func(args [][]byte, db uint8) (Op, resp.Value) {
		options, err := parseExpireOptions(args[3:])
		if err != "" {
			return nil, err.Value()
		}
		n, ok := resp.ParseInt(args[2])
		if !ok {
			return nil, resp.ErrNotInteger.Value()
		}
		if form.seconds() {
			if n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
				return nil, resp.InvalidExpire(command).Value()
			}
			n *= 1000
		}
		return &expire{oneKey: onKey(args[1], db), command: command, form: form, n: n, options: options}, resp.Value{}
	}
}

func parseExpireOptions(args [][]byte) (expireOption, resp.Error) {
	var o expireOption
	for _, arg := range args {
		switch {
		case isWord(arg, "nx"):
			o |= onlyWithout
		case isWord(arg, "xx"):
			o |= onlyWith
		case isWord(arg, "gt"):
			o |= onlyLater
		case isWord(arg, "lt"):
			o |= onlyEarlier
		default:
			return 0, resp.UnsupportedOption(arg)
		}
	}
	switch {
	case o&onlyWithout != 0 && o != onlyWithout:
		return 0, resp.ErrExpireNXOther
	case o&onlyLater != 0 && o&onlyEarlier != 0:
		return 0, resp.ErrExpireGTLT
	}
	return o, ""
}

// Eval implements Op.
func (o *expire) Eval(in *object.Input, v *object.View, m *object.Mutation) resp.Value {
	at, now := o.n, in.Now()
	if o.form.relative() {
		if at > math.MaxInt64-now {
			return resp.InvalidExpire(o.command).Value()
		}
		at += now
	}
	k := &v.Keys[0]
	if !k.Exists() || !o.options.allow(k.ExpireAt(), at) {
		return resp.Int(0)
	}
	if at <= now {
		m.Delete(0)
	} else {
		m.Expire(0, at)
	}
	return resp.Int(1)
}

// allow decides whether an expiry, 0 for none, may become at. A key without expiry lives for ever: nothing is later.
func (o expireOption) allow(current, at int64) bool {
	switch {
	case o&onlyWithout != 0 && current != 0,
		o&onlyWith != 0 && current == 0,
		o&onlyLater != 0 && (current == 0 || at <= current),
		o&onlyEarlier != 0 && current != 0 && at >= current:
		return false
	}
	return true
}

// Replies of the TTL family.
const (
	ttlNoKey    = -2
	ttlNoExpiry = -1
)

// timeLeft is Eval of TTL, PTTL, EXPIRETIME and PEXPIRETIME: https://redis.io/commands/ttl. Seconds are rounded to the
// nearest.
func timeLeft(form deadlineForm) evalKey {
	return func(in *object.Input, k *object.KeyState, _ *object.Mutation) resp.Value {
		if !k.Exists() {
			return resp.Int(ttlNoKey)
		}
		t := k.ExpireAt()
		if t == 0 {
			return resp.Int(ttlNoExpiry)
		}
		if form.relative() {
			t = max(t-in.Now(), 0)
		}
		if form.seconds() {
			t = int64((uint64(t) + 500) / 1000) // unsigned: t may be the greatest int64
		}
		return resp.Int(t)
	}
}

func evalPersist(_ *object.Input, k *object.KeyState, m *object.Mutation) resp.Value {
	if !k.Exists() || k.ExpireAt() == 0 {
		return resp.Int(0)
	}
	m.Expire(0, 0)
	return resp.Int(1)
}
