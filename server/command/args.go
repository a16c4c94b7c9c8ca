package command

import (
	"math"

	"github.com/rondokv/rondo/resp"
)

// isWord reports whether an argument is an option's name, given in lower-case letters. As in Redis, whose arguments end
// here at their first NUL byte as C's strings do, what follows one does not count.
func isWord(arg []byte, word string) bool {
	if len(arg) != len(word) && (len(arg) < len(word) || arg[len(word)] != 0) {
		return false
	}
	for i := range len(word) {
		if arg[i]|0x20 != word[i] {
			return false
		}
	}
	return true
}

// deadlineForm says how an argument tells a time.
type deadlineForm uint8

const (
	noDeadline   deadlineForm = iota
	afterSeconds              // EX
	afterMillis               // PX
	atSeconds                 // EXAT
	atMillis                  // PXAT
)

// relative reports whether the time counts from now.
func (f deadlineForm) relative() bool { return f == afterSeconds || f == afterMillis }

func (f deadlineForm) seconds() bool { return f == afterSeconds || f == atSeconds }

// deadlineWord reads the name of an expiry option.
func deadlineWord(arg []byte) deadlineForm {
	switch {
	case isWord(arg, "ex"):
		return afterSeconds
	case isWord(arg, "px"):
		return afterMillis
	case isWord(arg, "exat"):
		return atSeconds
	case isWord(arg, "pxat"):
		return atMillis
	}
	return noDeadline
}

// deadline is an expiry as SET and GETEX take it.
type deadline struct {
	form deadlineForm
	n    int64 // ms
}

// parseDeadline reads the time of an expiry option of the command of that name. It is positive and fits int64 in ms.
func parseDeadline(form deadlineForm, arg []byte, command string) (deadline, resp.Error) {
	n, ok := resp.ParseInt(arg)
	if !ok {
		return deadline{}, resp.ErrNotInteger
	}
	if n <= 0 || (form.seconds() && n > math.MaxInt64/1000) {
		return deadline{}, resp.InvalidExpire(command)
	}
	if form.seconds() {
		n *= 1000
	}
	return deadline{form: form, n: n}, ""
}

// at returns when the deadline is in ms since the Unix epoch, 0 for none; false when that is beyond int64.
func (d deadline) at(now int64) (int64, bool) {
	if !d.form.relative() {
		return d.n, true
	}
	if d.n > math.MaxInt64-now {
		return 0, false
	}
	return d.n + now, true
}
