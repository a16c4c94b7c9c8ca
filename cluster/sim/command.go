package sim

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/rondokv/rondo/engine/object"
)

// verb is what a command does to its key.
type verb uint8

const (
	verbGet        verb = iota // everything of the key
	verbHGet                   // one element
	verbSet                    // blind
	verbSetEx                  // blind, with an expiry
	verbSetKeepTTL             // blind
	verbGetSet
	verbSetNX
	verbAppend
	verbDel
	verbExpire
	verbPersist
	verbIncr
	verbHSet
	verbHSetBlind
	verbHDel
	verbPut   // a sibling, with or without a context
	verbDrop  // siblings
	verbFlush // of the database in the partition: a command for each of its keys
	verbs     = iota
)

func (v verb) String() string {
	return [...]string{
		"GET", "HGET", "SET", "SETEX", "SET KEEPTTL", "GETSET", "SETNX", "APPEND", "DEL", "EXPIRE", "PERSIST", "INCR", "HSET",
		"HSET blind", "HDEL", "PUT", "DROP", "FLUSH",
	}[v]
}

// blind commands do not look.
func (v verb) blind() bool {
	return v == verbSet || v == verbSetEx || v == verbSetKeepTTL || v == verbHSetBlind
}

func (v verb) reads() bool { return v == verbGet || v == verbHGet }

// clears is of commands that end everything older of the key when they take effect.
func (v verb) clears() bool {
	return v == verbSet || v == verbSetEx || v == verbSetKeepTTL || v == verbGetSet || v == verbSetNX || v == verbDel || v == verbFlush
}

// resets is of commands that end what a counter has added up to.
func (v verb) resets() bool { return v == verbSet || v == verbGetSet || v == verbDel || v == verbFlush }

// command is one command of an operation. Each works on a key of its own.
type command struct {
	verb  verb
	key   int
	field byte
	token uint64 // of what it writes: unique in the run
	n     int64  // INCR: by how much, also less than 0; SETEX, EXPIRE: ms until then

	context    []object.Dot
	hasContext bool
	covers     []uint64 // tokens that the context was given with: for the checks only
}

// tokenBase parts a counter's base, which names who set it, from what was added since: less than half of it, either way.
const tokenBase = 1_000_000

// parts returns who set a counter last, 0 for nobody, and what was added since; false when there is no such base.
func parts(number int64) (base uint64, sum int64, ok bool) {
	number += tokenBase / 2
	if number < 0 {
		return 0, 0, false
	}
	return uint64(number / tokenBase), number%tokenBase - tokenBase/2, true
}

func tokenText(token uint64) []byte { return strconv.AppendUint(make([]byte, 0, 8), token, 16) }

// value is what the command writes on a text key or into an element: its token and an end.
func (c *command) value(pad bool) []byte {
	var b []byte
	if pad && c.token%3 == 0 {
		b = append(bytes.Repeat([]byte("p"), 6000), '|')
	}
	return append(append(b, tokenText(c.token)...), ';')
}

// lastToken returns who wrote a value last.
func lastToken(value []byte) (uint64, bool) {
	if len(value) == 0 || value[len(value)-1] != ';' {
		return 0, false
	}
	value = value[:len(value)-1]
	token, err := strconv.ParseUint(string(value[bytes.LastIndexAny(value, ";|")+1:]), 16, 64)
	return token, err == nil
}

func (c *command) String() string {
	text := fmt.Sprintf("%v key %d", c.verb, c.key)
	if c.field != 0 {
		text += fmt.Sprintf(".%c", c.field)
	}
	if !c.verb.reads() {
		text += fmt.Sprintf(" token %x", c.token)
	}
	if c.n != 0 {
		text += fmt.Sprintf(" %d", c.n)
	}
	if c.hasContext {
		text += fmt.Sprintf(" having seen %x", c.covers)
	}
	return text
}

// element is what an operation saw of one element.
type element struct {
	stamp object.Stamp
	token uint64 // 0: a tombstone
	alive bool
}

// seen is what an operation saw of one key: the stamps of its fields, and what they show.
type seen struct {
	value, expiry, cleared object.Stamp
	clear                  object.Stamp // with a passed expiry
	expireAt               int64        // as stored, passed or not

	present  bool // a string shows
	text     []byte
	number   int64 // a counter's
	isNumber bool

	elements [fields]element
	which    uint8 // bit by field: it was looked at

	siblings []uint64 // tokens
	context  []object.Dot
}

func (s *seen) String() string {
	text := ""
	switch {
	case s.isNumber:
		text = fmt.Sprintf("%d", s.number)
	case s.present:
		text = fmt.Sprintf("%q", clip(s.text))
	default:
		text = "none"
	}
	text += fmt.Sprintf(" (value %v cleared %v", s.value, s.cleared)
	if !s.expiry.IsZero() {
		text += fmt.Sprintf(" expiry %d @%v", s.expireAt, s.expiry)
	}
	text += ")"
	for f, e := range s.elements {
		if s.which>>f&1 != 0 && !e.stamp.IsZero() {
			text += fmt.Sprintf(" %c=%x alive %t @%v", fieldName(f), e.token, e.alive, e.stamp)
		}
	}
	if len(s.siblings) > 0 {
		text += fmt.Sprintf(" siblings %x", s.siblings)
	}
	return text
}

func fieldName(f int) byte { return byte('a' + f) }

// look takes down what k shows.
func look(k *object.KeyState) (s seen) {
	r := &k.Row
	// What a FLUSH covers may be gone: its clear stands for it.
	s.value, s.expiry, s.cleared = r.Value.Stamp, object.MaxOf(r.Expiry.Stamp, k.Database), object.MaxOf(r.Cleared, k.Database)
	s.clear, s.expireAt = k.Clear, r.Expiry.At
	if t, ok := k.Text(); ok {
		s.present = true
		if t.IsInt {
			s.isNumber, s.number = true, t.Int
		} else {
			s.text = bytes.Clone(t.Bytes)
		}
	}
	for i := range k.Elements {
		e := &k.Elements[i]
		f := int(e.Sub[1] - 'a')
		token, _ := lastToken(e.Row.Value)
		s.elements[f] = element{stamp: e.Row.Stamp, token: token, alive: e.Row.Alive(k.Clear)}
		s.which |= 1 << f
	}
	if k.AllElements {
		s.which = 1<<fields - 1
	}
	if r.Siblings != nil {
		for _, v := range k.LiveSiblings() {
			if token, ok := lastToken(v.Bytes); ok {
				s.siblings = append(s.siblings, token)
			}
		}
		s.context = k.Context()
	}
	return s
}
