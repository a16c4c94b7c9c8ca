package command

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// An operation that runs on another node travels as its arguments, in these bytes:
//
//	body    = version u8 (1) | kind u8 | rest
//	rest    = command                                  kind 1: one command
//	        = count | command ... | count | watched ...  kind 2: a transaction
//	        = count | key ...                          kind 3: WATCH
//	command = db u8 | name | count | argument ...      arguments without the name; of object|encoding all but OBJECT
//	watched = key | hlc u64 | node u64 | incarnation u64
//	key     = db u8 | bytes
//	name, argument, bytes = uvarint length | bytes; counts are uvarints, integers of fixed size big-endian
const (
	bodyVersion = 1

	bodyCommand = 1
	bodyMulti   = 2
	bodyWatch   = 3
)

// Invocation is a command as its parser gets it.
type Invocation struct {
	Name string // as in the table of parsers: "object|encoding"
	DB   uint8
	Args [][]byte // the name first
}

// AppendBody appends the operation of the command.
func (c *Invocation) AppendBody(dst []byte) []byte {
	return c.append(append(dst, bodyVersion, bodyCommand))
}

func (c *Invocation) append(dst []byte) []byte {
	dst = appendBytes(append(dst, c.DB), c.Name)
	dst = binary.AppendUvarint(dst, uint64(len(c.Args)-1))
	for _, a := range c.Args[1:] {
		dst = appendBytes(dst, a)
	}
	return dst
}

// AppendMultiBody appends the transaction of commands, as NewMulti makes it of their operations.
func AppendMultiBody(dst []byte, commands []Invocation, watched []Watched) []byte {
	dst = binary.AppendUvarint(append(dst, bodyVersion, bodyMulti), uint64(len(commands)))
	for i := range commands {
		dst = commands[i].append(dst)
	}
	dst = binary.AppendUvarint(dst, uint64(len(watched)))
	for i := range watched {
		w := &watched[i]
		dst = appendBytes(append(dst, w.Key.DB), w.Key.Name)
		dst = binary.BigEndian.AppendUint64(dst, uint64(w.Version.HLC))
		dst = binary.BigEndian.AppendUint64(dst, uint64(w.Version.Node))
		dst = binary.BigEndian.AppendUint64(dst, uint64(w.Version.Inc))
	}
	return dst
}

func appendKeys(dst []byte, keys []object.KeyRef) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(keys)))
	for _, k := range keys {
		dst = appendBytes(append(dst, k.DB), k.Name)
	}
	return dst
}

func appendBytes[T string | []byte](dst []byte, b T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// ErrBody says that the bytes are no operation; wrapped with what is wrong.
var ErrBody = errors.New("command: a passed operation cannot be read")

// ParseBody makes the operation of a body with a table of parsers, as New makes them for a server that is no cluster. All its
// keys are of slot. The operation shares the body's bytes, which must never change after; what it takes in memory follows the
// bytes that are there. Errors wrap ErrBody.
func ParseBody(table map[string]Parser, slot object.Slot, body []byte) (Op, error) {
	r := bodyReader{table: table, buf: body}
	op, err := r.operation()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrBody, err)
	case len(r.buf) > 0:
		return nil, fmt.Errorf("%w: %d bytes behind it", ErrBody, len(r.buf))
	}
	keys := op.Reads().Keys
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: no keys", ErrBody)
	}
	for i := range keys {
		if s := Slot(keys[i].Name); s != slot {
			return nil, fmt.Errorf("%w: a key of slot %d in slot %d", ErrBody, s, slot)
		}
	}
	return op, nil
}

type bodyReader struct {
	table map[string]Parser
	buf   []byte
}

var (
	errShort = errors.New("it ends early")
	errArity = errors.New("wrong number of arguments")
)

func (r *bodyReader) operation() (Op, error) {
	version, kind := r.byte(), r.byte()
	if version != bodyVersion {
		return nil, fmt.Errorf("version %d", version)
	}
	switch kind {
	case bodyCommand:
		return r.command()
	case bodyMulti:
		return r.multi()
	case bodyWatch:
		keys, err := r.keys()
		if err != nil {
			return nil, err
		}
		return NewWatch(keys), nil
	}
	return nil, fmt.Errorf("kind %d", kind)
}

// byte reads one byte, 0 when there is none: no field's value is checked before what follows it was read.
func (r *bodyReader) byte() byte {
	if len(r.buf) == 0 {
		return 0
	}
	b := r.buf[0]
	r.buf = r.buf[1:]
	return b
}

func (r *bodyReader) db() (uint8, error) {
	if len(r.buf) == 0 {
		return 0, errShort
	}
	db := r.byte()
	if db >= object.DBCount {
		return 0, fmt.Errorf("database %d", db)
	}
	return db, nil
}

// count reads how many things follow, which take at least size bytes each.
func (r *bodyReader) count(size int) (int, error) {
	n, used := binary.Uvarint(r.buf)
	if used <= 0 || n > uint64((len(r.buf)-used)/size) {
		return 0, errShort
	}
	r.buf = r.buf[used:]
	return int(n), nil
}

func (r *bodyReader) bytes() ([]byte, error) {
	n, err := r.count(1)
	if err != nil {
		return nil, err
	}
	b := r.buf[:n:n]
	r.buf = r.buf[n:]
	return b, nil
}

func (r *bodyReader) uint64() (uint64, error) {
	if len(r.buf) < 8 {
		return 0, errShort
	}
	n := binary.BigEndian.Uint64(r.buf)
	r.buf = r.buf[8:]
	return n, nil
}

func (r *bodyReader) command() (Op, error) {
	db, err := r.db()
	if err != nil {
		return nil, err
	}
	name, err := r.bytes()
	if err != nil {
		return nil, err
	}
	n, err := r.count(1)
	if err != nil {
		return nil, err
	}
	args := make([][]byte, 1, n+1)
	args[0] = name
	for range n {
		a, err := r.bytes()
		if err != nil {
			return nil, err
		}
		args = append(args, a)
	}
	parse, fact := r.table[string(name)], resp.ByFullName(name)
	switch {
	case parse == nil || fact == nil:
		return nil, fmt.Errorf("no command %.32q on keys", name)
	case !fact.ArityOK(len(args)):
		return nil, errArity
	}
	op, bad := parse(args, db)
	if op == nil {
		return nil, fmt.Errorf("%.64q", bad.Str)
	}
	return op, nil
}

func (r *bodyReader) multi() (Op, error) {
	n, err := r.count(3)
	if err != nil {
		return nil, err
	}
	ops := make([]Op, 0, n)
	for range n {
		op, err := r.command()
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	if n, err = r.count(2 + 3*8); err != nil {
		return nil, err
	}
	watched := make([]Watched, 0, n)
	for range n {
		w, err := r.watched()
		if err != nil {
			return nil, err
		}
		watched = append(watched, w)
	}
	return NewMulti(ops, watched), nil
}

func (r *bodyReader) watched() (w Watched, err error) {
	if w.Key, err = r.key(); err != nil {
		return w, err
	}
	var at [3]uint64
	for i := range at {
		if at[i], err = r.uint64(); err != nil {
			return w, err
		}
	}
	w.Version = object.Stamp{HLC: object.HLC(at[0]), Node: object.NodeID(at[1]), Inc: object.Incarnation(at[2])}
	return w, nil
}

func (r *bodyReader) key() (k object.KeyRef, err error) {
	if k.DB, err = r.db(); err != nil {
		return k, err
	}
	k.Name, err = r.bytes()
	return k, err
}

func (r *bodyReader) keys() ([]object.KeyRef, error) {
	n, err := r.count(2)
	if err != nil {
		return nil, err
	}
	keys := make([]object.KeyRef, 0, n)
	for range n {
		k, err := r.key()
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}
