package bench

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// Command is what a cell of a comparison sends.
type Command string

// Commands.
const (
	Ping Command = "ping"
	Set  Command = "set"
	Get  Command = "get"
)

// requests writes the requests of one cell. They allocate nothing, so that the
// client stays cheaper than the servers it measures.
type requests struct {
	command Command
	prefix  string
	keys    int64
	subset  []int64 // the numbers to choose from; nil = all below keys
	ordered bool    // in order instead of uniformly
	at      int64   // the next ordered one
	fixed   []byte  // send this and nothing else
	values  *values
	rng     *rand.Rand
	key     []byte // header of the key's bulk string
}

func newRequests(c Command, o CompareOptions, pool []byte) *requests {
	rng := rand.New(rand.NewPCG(o.seed(), 0))
	return &requests{
		command: c,
		prefix:  o.KeyPrefix,
		keys:    o.Keys,
		values:  &values{pool: pool, min: o.ValueSize, max: o.ValueSize, rng: rng},
		rng:     rng,
		key:     fmt.Appendf(nil, "$%d\r\n%s", len(o.KeyPrefix)+keyDigits, o.KeyPrefix),
	}
}

// append appends one request.
func (r *requests) append(dst []byte) []byte {
	if r.fixed != nil {
		return append(dst, r.fixed...)
	}
	switch r.command {
	case Set:
		dst = append(dst, "*3\r\n$3\r\nSET\r\n"...)
		dst = r.appendKey(dst)
		v := r.values.next()
		dst = append(dst, "\r\n$"...)
		dst = strconv.AppendInt(dst, int64(len(v)), 10)
		dst = append(dst, "\r\n"...)
		dst = append(dst, v...)
	case Get:
		dst = append(dst, "*2\r\n$3\r\nGET\r\n"...)
		dst = r.appendKey(dst)
	default:
		dst = append(dst, "*1\r\n$4\r\nPING"...)
	}
	return append(dst, "\r\n"...)
}

func (r *requests) appendKey(dst []byte) []byte {
	count := r.keys
	if r.subset != nil {
		count = int64(len(r.subset))
	}
	n := r.at
	if r.ordered {
		r.at = (r.at + 1) % count
	} else {
		n = r.rng.Int64N(count)
	}
	if r.subset != nil {
		n = r.subset[n]
	}
	return appendPadded(append(dst, r.key...), n)
}

// replyKind is what a scanned reply was.
type replyKind int

const (
	replyPartial replyKind = iota // more bytes are needed
	replyValue
	replyNil
	replyError
	replyBroken // not the protocol, or a kind that no command here gets
)

// scanReply finds the first reply in b and its length in bytes.
func scanReply(b []byte) (n int, kind replyKind) {
	if len(b) == 0 {
		return 0, replyPartial
	}
	end := bytes.IndexByte(b, '\n')
	switch b[0] {
	case '+', ':', '-', '_', '$':
	default:
		return 0, replyBroken
	}
	if end < 0 {
		return 0, replyPartial
	}
	if end < 2 || b[end-1] != '\r' {
		return 0, replyBroken
	}
	switch b[0] {
	case '-':
		return end + 1, replyError
	case '_':
		return end + 1, replyNil
	case '$':
		return scanBulk(b, end)
	}
	return end + 1, replyValue
}

// scanBulk ends the scan of a bulk string whose first line ends at end.
func scanBulk(b []byte, end int) (int, replyKind) {
	if b[1] == '-' {
		return end + 1, replyNil
	}
	size := 0
	for _, c := range b[1 : end-1] {
		if c < '0' || c > '9' || size > maxValueSize {
			return 0, replyBroken
		}
		size = size*10 + int(c-'0')
	}
	n := end + 1 + size + 2
	if len(b) < n {
		return 0, replyPartial
	}
	return n, replyValue
}
