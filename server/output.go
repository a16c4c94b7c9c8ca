package server

import (
	"strconv"
	"unsafe"

	"github.com/rondokv/rondo/resp"
)

// directBulk is the length from which a string is written from where it is, instead of through the session's buffer.
const directBulk = 64 << 10

// emit encodes a reply into the session's buffer and writes the buffer out whenever it has become long, so that a batch of
// large replies never piles up here: while the client does not read, the write blocks and nothing more is executed.
func (s *session) emit(v *resp.Value) {
	if len(v.Str) >= directBulk || len(v.Elems) > 0 {
		if size := weight(v); size >= directBulk {
			if int64(size) > s.srv.live.Load().OutputBufferLimit {
				s.overrun()
				return
			}
			s.emitLarge(v)
			return
		}
	}
	s.pipe.out = v.AppendTo(s.pipe.out, s.proto)
	if len(s.pipe.out) >= writeAt {
		s.flush()
	}
}

func (s *session) emitLarge(v *resp.Value) {
	switch {
	case v.Kind == resp.KindBulk && len(v.Str) >= directBulk:
		out := append(s.pipe.out, '$')
		out = strconv.AppendInt(out, int64(len(v.Str)), 10)
		s.pipe.out = append(out, '\r', '\n')
		s.flush()
		s.write(unsafe.Slice(unsafe.StringData(v.Str), len(v.Str)))
		s.pipe.out = append(s.pipe.out, '\r', '\n')
	case len(v.Elems) > 0:
		s.pipe.out = appendAggregate(s.pipe.out, v, s.proto)
		for i := range v.Elems {
			s.emitLarge(&v.Elems[i])
		}
	default:
		s.pipe.out = v.AppendTo(s.pipe.out, s.proto)
		if len(s.pipe.out) >= writeAt {
			s.flush()
		}
	}
}

// appendAggregate appends the head of an aggregate: type and count.
func appendAggregate(dst []byte, v *resp.Value, proto int) []byte {
	mark, n := byte('*'), len(v.Elems)
	if proto == 3 {
		switch v.Kind {
		case resp.KindMap:
			mark, n = '%', n/2
		case resp.KindSet:
			mark = '~'
		case resp.KindPush:
			mark = '>'
		}
	}
	dst = strconv.AppendInt(append(dst, mark), int64(n), 10)
	return append(dst, '\r', '\n')
}

// flush writes what is encoded.
func (s *session) flush() {
	if len(s.pipe.out) > 0 {
		s.write(s.pipe.out)
		s.pipe.out = s.pipe.out[:0]
	}
}

// write sends bytes; after a failure the session leaves and nothing more is sent.
func (s *session) write(b []byte) {
	if s.broken {
		return
	}
	if _, err := s.wire.Write(b); err != nil {
		s.broken, s.leaving = true, true
	}
}

// overrun cuts a client whose reply is over the output limit: half of it would be taken for another reply.
func (s *session) overrun() {
	s.srv.totals.cutOutput.Add(1)
	why := "reply over client-output-buffer-limit"
	s.wire.cutReason.Store(&why)
	s.flush()
	s.broken, s.leaving = true, true
}
