package command

import (
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

func setParsers() map[string]Parser {
	return map[string]Parser{
		"set":    parseSet,
		"setnx":  parseSetNX,
		"setex":  setExpiring("setex", afterSeconds),
		"psetex": setExpiring("psetex", afterMillis),
		"mset":   parseMSet,
		"msetnx": parseMSetNX,
	}
}

// plainSet is SET without options.
type plainSet struct {
	oneKey
	value []byte
}

// Reads implements Op.
func (o *plainSet) Reads() object.ReadSet { return object.ReadSet{Keys: o.keys[:], Blind: true} }

// Eval implements Op.
func (o *plainSet) Eval(_ *object.Input, _ *object.View, m *object.Mutation) resp.Value {
	m.Set(0, o.value, 0)
	return resp.OK()
}

// expiringSet is SET with an expiry and no other option, SETEX and PSETEX.
type expiringSet struct {
	oneKey
	value    []byte
	deadline deadline
	command  string
}

// Reads implements Op.
func (o *expiringSet) Reads() object.ReadSet { return object.ReadSet{Keys: o.keys[:], Blind: true} }

// Eval implements Op.
func (o *expiringSet) Eval(in *object.Input, _ *object.View, m *object.Mutation) resp.Value {
	at, ok := o.deadline.at(in.Now())
	if !ok {
		return resp.InvalidExpire(o.command).Value()
	}
	setUntil(m, 0, o.value, at, in.Now())
	return resp.OK()
}

// setUntil writes a value with an expiry, 0 for none. A value that would be born expired is a delete: an expiry hides
// only what is older than it.
func setUntil(m *object.Mutation, key int, value []byte, at, now int64) {
	if at != 0 && at < now {
		m.Delete(key)
		return
	}
	m.Set(key, value, at)
}

func setExpiring(command string, form deadlineForm) Parser {
	return func(args [][]byte, db uint8) (Op, resp.Value) {
		d, err := parseDeadline(form, args[2], command)
		if err != "" {
			return nil, err.Value()
		}
		return &expiringSet{oneKey: onKey(args[1], db), value: args[3], deadline: d, command: command}, resp.Value{}
	}
}

// condition is what a conditional SET or DELEX asks of the key.
type condition uint8

const (
	always   condition = iota
	ifAbsent           // NX
	ifExists           // XX
	ifEqual            // IFEQ
	ifOther            // IFNE
)

// conditionWord reads the name of a condition that compares.
func conditionWord(arg []byte) condition {
	switch {
	case isWord(arg, "ifeq"):
		return ifEqual
	case isWord(arg, "ifne"):
		return ifOther
	}
	return always
}

// holds decides the condition. A missing key is equal to nothing: IFEQ fails on it and IFNE holds.
func (c condition) holds(t object.Text, found bool, match []byte) bool {
	switch c {
	case ifAbsent:
		return !found
	case ifExists:
		return found
	case ifEqual:
		return found && equalText(t, match)
	case ifOther:
		return !found || !equalText(t, match)
	}
	return true
}

// set is SET with options that make it look: https://redis.io/commands/set. IFEQ and IFNE are of Redis 8.4: compare and
// set, exclusive of each other and of NX and XX; GET replies the old value whether or not the condition holds.
type set struct {
	oneKey
	value    []byte
	match    []byte // of IFEQ and IFNE
	deadline deadline
	when     condition
	get      bool
	keepTTL  bool
}

func parseSet(args [][]byte, db uint8) (Op, resp.Value) {
	key, value := onKey(args[1], db), args[2]
	if len(args) == 3 {
		return &plainSet{oneKey: key, value: value}, resp.Value{}
	}
	o := set{oneKey: key, value: value}
	if err := o.parseOptions(args[3:]); err != "" {
		return nil, err.Value()
	}
	if o.when == always && !o.get && !o.keepTTL {
		return &expiringSet{oneKey: key, value: value, deadline: o.deadline, command: "set"}, resp.Value{}
	}
	looks := o
	return &looks, resp.Value{}
}

// parseOptions reads what follows the value. As in Redis an option may come again, and of an expiry only the last counts.
func (o *set) parseOptions(args [][]byte) resp.Error {
	var form deadlineForm
	var until []byte
	for i := 0; i < len(args); i++ {
		arg, more := args[i], i+1 < len(args)
		f, c := deadlineWord(arg), conditionWord(arg)
		switch {
		case isWord(arg, "nx") && (o.when == always || o.when == ifAbsent):
			o.when = ifAbsent
		case isWord(arg, "xx") && (o.when == always || o.when == ifExists):
			o.when = ifExists
		case isWord(arg, "get"):
			o.get = true
		case isWord(arg, "keepttl") && form == noDeadline:
			o.keepTTL = true
		case f != noDeadline && !o.keepTTL && (form == noDeadline || form == f) && more:
			i++
			form, until = f, args[i]
		case c != always && o.when == always && more:
			i++
			o.when, o.match = c, args[i]
		default:
			return resp.ErrSyntax
		}
	}
	if form == noDeadline {
		return ""
	}
	var err resp.Error
	o.deadline, err = parseDeadline(form, until, "set")
	return err
}

// Eval implements Op.
func (o *set) Eval(in *object.Input, v *object.View, m *object.Mutation) resp.Value {
	k := &v.Keys[0]
	at, ok := o.deadline.at(in.Now())
	if !ok {
		return resp.InvalidExpire("set").Value()
	}
	t, found, err := textOf(k)
	if err != "" {
		if o.get || o.when == ifEqual || o.when == ifOther {
			return err.Value()
		}
		found = true
	}
	done := o.when.holds(t, found, o.match)
	switch {
	case done && o.keepTTL:
		m.SetKeepTTL(0, o.value)
	case done:
		setUntil(m, 0, o.value, at, in.Now())
	}
	switch {
	case o.get:
		return bulkOrNil(t, found)
	case !done:
		return resp.Nil()
	}
	return resp.OK()
}

// setNX: https://redis.io/commands/setnx
type setNX struct {
	oneKey
	value []byte
}

func parseSetNX(args [][]byte, db uint8) (Op, resp.Value) {
	return &setNX{oneKey: onKey(args[1], db), value: args[2]}, resp.Value{}
}

// Eval implements Op.
func (o *setNX) Eval(_ *object.Input, v *object.View, m *object.Mutation) resp.Value {
	if v.Keys[0].Exists() {
		return resp.Int(0)
	}
	m.Set(0, o.value, 0)
	return resp.Int(1)
}

// mSet is MSET and MSETNX: https://redis.io/commands/mset. A key named twice gets its last value.
type mSet struct {
	keyList
	values  [][]byte // in step with keys
	ifNoKey bool     // MSETNX: all or, when one of them exists, none
}

func parseMSet(args [][]byte, db uint8) (Op, resp.Value)   { return newMSet(args, db, "mset") }
func parseMSetNX(args [][]byte, db uint8) (Op, resp.Value) { return newMSet(args, db, "msetnx") }

func newMSet(args [][]byte, db uint8, command string) (Op, resp.Value) {
	if len(args)%2 == 0 {
		return nil, resp.WrongArity(command).Value()
	}
	o := &mSet{ifNoKey: command == "msetnx"}
	o.fill(args[1:], 2, db)
	o.values = make([][]byte, len(o.keys))
	for i := range o.named() {
		o.values[o.at(i)] = args[2+2*i]
	}
	return o, resp.Value{}
}

// Reads implements Op.
func (o *mSet) Reads() object.ReadSet { return object.ReadSet{Keys: o.keys, Blind: !o.ifNoKey} }

// Eval implements Op.
func (o *mSet) Eval(_ *object.Input, v *object.View, m *object.Mutation) resp.Value {
	if o.ifNoKey {
		for i := range v.Keys {
			if v.Keys[i].Exists() {
				return resp.Int(0)
			}
		}
	}
	for i, value := range o.values {
		m.Set(i, value, 0)
	}
	if o.ifNoKey {
		return resp.Int(1)
	}
	return resp.OK()
}
