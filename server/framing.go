package server

import "github.com/rondokv/rondo/resp"

// framer finds where the commands of a request stream end, and refuses what breaks the protocol or its limits before
// anything is allocated for it. It is pure: bytes in, positions out.
//
// It keeps its place in a command that has come in part, so that no byte of a long command is looked at twice; payloads
// are skipped by their length and never looked at.
//
// Redis takes three things that this refuses, since a stream that has them is out of step: a payload that is not followed
// by CR LF, a CR in a header that is not followed by LF, and a header longer than any number. Redis also takes more than
// 1048576 arguments since version 7, and waits for ever for the end of an inline command that contains a NUL.
type framer struct {
	pos  int // up to here the bytes were looked at, counted from the first byte of the buffer
	args int // arguments of the present command that are still to come; 0 between commands
	body int // bytes of the present argument with its CR LF; 0 when a header comes next
	// words are the arguments of the commands that are whole, seen those of the present one too.
	words, seen int
	err         resp.Error
}

// frameLimits are what a request may declare.
type frameLimits struct {
	bulk   int // longest argument
	args   int // most arguments
	noAuth bool
}

// Limits that Redis fixes too.
const (
	maxArgs       = 1 << 20
	maxInline     = 64 << 10
	noAuthArgs    = 10
	noAuthBulk    = 16 << 10
	maxHeaderSize = 24 // type byte, sign, 19 digits, CR LF, rounded up
)

func limitsOf(set *Settings, authed bool) frameLimits {
	if !authed {
		return frameLimits{bulk: min(noAuthBulk, int(set.MaxBulk)), args: noAuthArgs, noAuth: true}
	}
	return frameLimits{bulk: int(set.MaxBulk), args: maxArgs}
}

// verdict is why scan stopped.
type verdict uint8

const (
	// needMore: a command, or nothing at all, follows that has not come in whole.
	needMore verdict = iota
	// oddLine: at pos begins what is no array, or an array without elements.
	oddLine
	// violation: the protocol is broken at pos, err says how.
	violation
)

// reset forgets the place in the stream: the buffer begins with a new command.
func (f *framer) reset() { *f = framer{} }

// scan goes on in b from where it stopped and returns the end of the last command that is whole, 0 for none. b must begin with
// the bytes that the last call had, unless reset was called.
func (f *framer) scan(b []byte, lim *frameLimits) (end int, v verdict) {
	pos, args, body := f.pos, f.args, f.body
	v = needMore
	for {
		if body > 0 {
			if len(b)-pos < body {
				break
			}
			pos += body
			body = 0
			if b[pos-2] != '\r' || b[pos-1] != '\n' {
				f.err, v = resp.ErrProtoBulkLen, violation
				break
			}
			if args--; args > 0 {
				continue
			}
			end, f.words = pos, f.seen
		}
		if pos >= len(b) {
			break
		}
		if args == 0 {
			if b[pos] != '*' {
				v = oddLine
				break
			}
			n, w, ok := header(b[pos:])
			if w == 0 && ok {
				break
			}
			if ok && n <= 0 {
				v = oddLine
				break
			}
			if f.err = countError(n, ok, lim); f.err != "" {
				v = violation
				break
			}
			pos, args = pos+w, n
			f.seen += n
			continue
		}
		if b[pos] != '$' {
			f.err, v = resp.ProtoExpectedBulk(b[pos]), violation
			break
		}
		n, w, ok := header(b[pos:])
		if w == 0 && ok {
			break
		}
		if f.err = lengthError(n, ok, lim); f.err != "" {
			v = violation
			break
		}
		pos, body = pos+w, n+2
	}
	f.pos, f.args, f.body = pos, args, body
	return end, v
}

func countError(n int, ok bool, lim *frameLimits) resp.Error {
	switch {
	case !ok || n > maxArgs:
		return resp.ErrProtoMultibulkLen
	case n > lim.args:
		return resp.ErrProtoMultibulkNoPwd
	}
	return ""
}

func lengthError(n int, ok bool, lim *frameLimits) resp.Error {
	switch {
	case ok && n >= 0 && n <= lim.bulk:
		return ""
	case ok && n >= 0 && lim.noAuth && n > noAuthBulk:
		return resp.ErrProtoBulkNoPwd
	}
	return resp.ErrProtoBulkLen
}

// header reads the number between the type byte and CR LF, in the one spelling that Redis takes. width is the header's
// length, 0 with ok set when it has not come in whole.
func header(b []byte) (n, width int, ok bool) {
	i, neg := 1, false
	if len(b) > 1 && b[1] == '-' {
		i, neg = 2, true
	}
	from := i
	for ; i < len(b); i++ {
		c := b[i] - '0'
		if c > 9 {
			break
		}
		if i >= maxHeaderSize-2 || i-from >= 18 {
			return 0, 0, false
		}
		n = n*10 + int(c)
	}
	digits := i - from
	if digits > 1 && b[from] == '0' || neg && digits > 0 && b[from] == '0' {
		return 0, 0, false
	}
	if i == len(b) {
		return 0, 0, true
	}
	if b[i] != '\r' || digits == 0 {
		return 0, 0, false
	}
	if i+1 == len(b) {
		return 0, 0, true
	}
	if b[i+1] != '\n' {
		return 0, 0, false
	}
	if neg {
		n = -n
	}
	return n, i + 2, true
}

// splitArgs appends the arguments of the first of the whole commands in b, which scan has passed, as parts of b, and returns what
// follows it.
func splitArgs(args [][]byte, b []byte) ([][]byte, []byte) {
	n, pos, _ := header(b)
	for range n {
		size, w, _ := header(b[pos:])
		pos += w
		args = append(args, b[pos:pos+size:pos+size])
		pos += size + 2
	}
	return args, b[pos:]
}
