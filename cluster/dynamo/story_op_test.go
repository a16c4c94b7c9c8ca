package dynamo

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/engine/object"
)

// storyOp is an operation of a story: one verb of Redis's, or several in a MULTI.
type storyOp struct {
	s      *stage
	number int
	text   string
	verbs  [][]string // each a verb and its arguments
	keys   []int      // of each verb: index into the read set
	reads  object.ReadSet
	write  bool
	reply  string
}

// storyVerbs say how many arguments a verb takes, whether it writes and whether it looks.
func storyVerb(verb string) (args int, write, blind, ok bool) {
	switch verb {
	case "GET", "TTL", "VALUES", "HGETALL", "HLEN":
		return 1, false, false, true
	case "HGET":
		return 2, false, false, true
	case "SET":
		return 2, true, true, true
	case "SETEX": // key, ms, value
		return 3, true, true, true
	case "FLUSH": // the whole database
		return 0, true, false, true
	case "INCR", "DEL", "PERSIST":
		return 1, true, false, true
	case "APPEND", "SETNX", "EXPIRE", "PUT", "HDEL", "HFILL": // HFILL key n: fields 1 to n
		return 2, true, false, true
	case "CAS", "HSET": // key, old, new
		return 3, true, false, true
	}
	return 0, false, false, false
}

// parseStoryOp reads "7 SET k v" or "7 MULTI SET k v ; INCR n", 7 being the operation's number.
func parseStoryOp(s *stage, text string) (*storyOp, error) {
	number, rest, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil, err
	}
	op := &storyOp{s: s, number: n, text: rest}
	rest = strings.TrimPrefix(rest, "MULTI ")
	op.reads.Blind = true
	for _, part := range strings.Split(rest, ";") {
		if err := op.add(strings.Fields(part)); err != nil {
			return nil, err
		}
	}
	op.reads.Blind = op.reads.Blind && op.write
	op.reads.Ticks = len(op.verbs)
	return op, nil
}

func (op *storyOp) add(f []string) error {
	if len(f) == 0 {
		return errors.New("no command")
	}
	args, write, blind, ok := storyVerb(f[0])
	if !ok || len(f) < 1+args {
		return fmt.Errorf("cannot run %q", strings.Join(f, " "))
	}
	if f[0] == "FLUSH" {
		op.reads.Flush, op.reads.Blind, op.write = object.DBSetOf(0), false, true
		op.verbs, op.keys = append(op.verbs, f), append(op.keys, -1)
		return nil
	}
	at := slices.IndexFunc(op.reads.Keys, func(r object.KeyRef) bool { return string(r.Name) == f[1] })
	if at < 0 {
		at = len(op.reads.Keys)
		op.reads.Keys = append(op.reads.Keys, object.KeyRef{Name: []byte(f[1])})
	}
	switch f[0] {
	case "HGET", "HSET", "HDEL":
		op.reads.Elements = append(op.reads.Elements, object.ElementRef{Key: at, Sub: hashSub(f[2])})
	case "HGETALL", "HLEN", "DEL":
		op.reads.Elements = append(op.reads.Elements, object.ElementRef{Key: at})
	}
	op.write = op.write || write
	op.reads.Blind = op.reads.Blind && blind
	op.verbs, op.keys = append(op.verbs, f), append(op.keys, at)
	return nil
}

func hashSub(field string) []byte { return append([]byte{object.SubHashField}, field...) }

func (op *storyOp) Reads() object.ReadSet { return op.reads }

func (op *storyOp) Eval(in *object.Input, v *object.View, m *object.Mutation) {
	var replies []string
	for i, f := range op.verbs {
		if f[0] == "FLUSH" {
			replies = append(replies, "OK")
			continue
		}
		before := len(m.Changes)
		replies = append(replies, op.eval(f, in, &v.Keys[op.keys[i]], op.keys[i], m))
		for j := before; j < len(m.Changes); j++ {
			m.Changes[j].Tick = i
		}
	}
	op.reply = strings.Join(replies, " ; ")
}

// eval runs one verb.
func (op *storyOp) eval(f []string, in *object.Input, k *object.KeyState, key int, m *object.Mutation) string {
	text, found := k.Text()
	have := string(text.AppendTo(nil))
	switch f[0] {
	case "GET":
		return orNil(have, found)
	case "TTL":
		at := k.ExpireAt()
		if at == 0 {
			return "none"
		}
		return fmt.Sprintf("%dms", at-in.Now())
	case "SET":
		m.Set(key, []byte(f[2]), 0)
	case "SETEX":
		m.Set(key, []byte(f[3]), in.Now()+number(f[2]))
	case "APPEND":
		m.Write(key, []byte(have+f[2]))
		return have + f[2]
	case "INCR":
		m.Add(key, 1)
		return fmt.Sprint(text.Int + 1)
	case "SETNX":
		if k.Exists() {
			return "0"
		}
		m.Set(key, []byte(f[2]), 0)
		return "1"
	case "CAS":
		if have != f[2] {
			return "no, it is " + orNil(have, found)
		}
		m.Set(key, []byte(f[3]), 0)
	case "DEL":
		if !k.Exists() {
			return "0"
		}
		m.Delete(key)
		return "1"
	case "EXPIRE", "PERSIST":
		if !k.Exists() || f[0] == "PERSIST" && k.ExpireAt() == 0 {
			return "0"
		}
		at := int64(0)
		if f[0] == "EXPIRE" {
			at = in.Now() + number(f[2])
		}
		m.Expire(key, at)
		return "1"
	default:
		return op.evalMore(f, k, key, m)
	}
	return "OK"
}

// evalMore runs the verbs of siblings and hashes.
func (op *storyOp) evalMore(f []string, k *object.KeyState, key int, m *object.Mutation) string {
	switch f[0] {
	case "PUT": // key, value, and optionally seen=#n: what the operation of that number had seen
		var context []object.Dot
		if len(f) > 3 {
			context = op.s.seen[int(number(strings.TrimPrefix(f[3], "seen=#")))]
		}
		m.PutSibling(key, context, true, []byte(f[2]))
	case "VALUES":
		op.s.seen[op.number] = k.Context()
		var values []string
		for _, v := range k.LiveSiblings() {
			values = append(values, string(v.Bytes))
		}
		slices.Sort(values)
		return "{" + strings.Join(values, " ") + "}"
	case "HGET":
		v, ok := k.Element(hashSub(f[2]))
		return orNil(string(v), ok)
	case "HGETALL":
		var pairs []string
		for i := range k.Elements {
			e := &k.Elements[i]
			if v, ok := k.Element(e.Sub); ok {
				pairs = append(pairs, string(e.Sub[1:])+"="+string(v))
			}
		}
		return "{" + strings.Join(pairs, " ") + "}"
	case "HSET":
		m.SetElement(key, hashSub(f[2]), []byte(f[3]))
		return "1"
	case "HFILL":
		for i := range number(f[2]) {
			m.SetElement(key, hashSub(fmt.Sprint(i+1)), []byte(f[2]))
		}
	case "HLEN":
		n := 0
		for i := range k.Elements {
			if _, ok := k.Element(k.Elements[i].Sub); ok {
				n++
			}
		}
		return fmt.Sprint(n)
	case "HDEL":
		if _, ok := k.Element(hashSub(f[2])); !ok {
			return "0"
		}
		m.DropElement(key, hashSub(f[2]))
		return "1"
	}
	return "OK"
}

func orNil(s string, ok bool) string {
	if !ok {
		return "nil"
	}
	return s
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func (op *storyOp) AppendBody(dst []byte) []byte {
	return fmt.Appendf(dst, "%d %s", op.number, op.text)
}
func (op *storyOp) AppendReply(dst []byte) []byte { return append(dst, op.reply...) }
func (op *storyOp) TakeReply(reply []byte)        { op.reply = string(reply) }

// storyLevels are the levels and the patience of an operation.
type storyLevels struct {
	read, write quorum.Choice
	within      Time
}

// takeLevels takes "QUORUM", "R=ONE", "W=ALL", "within=100ms" off the end of a command. Numbers are not levels here.
func takeLevels(f []string) (storyLevels, []string, error) {
	l := storyLevels{read: quorum.Choice{Level: quorum.Quorum}, write: quorum.Choice{Level: quorum.Quorum}, within: 800 * Millisecond}
	for len(f) > 1 {
		last := f[len(f)-1]
		key, value, pair := strings.Cut(last, "=")
		switch {
		case pair && key == "within":
			d, err := parseTime(value)
			if err != nil {
				return l, nil, err
			}
			l.within = d
		case pair && (key == "R" || key == "W"):
			choice, err := quorum.Parse(value)
			if err != nil {
				return l, nil, err
			}
			if key == "R" {
				l.read = choice
			} else {
				l.write = choice
			}
		default:
			choice, err := quorum.Parse(last)
			if err != nil || last[0] <= '9' || last != strings.ToUpper(last) {
				return l, f, nil
			}
			l.read, l.write = choice, choice
		}
		f = f[:len(f)-1]
	}
	return l, f, nil
}
