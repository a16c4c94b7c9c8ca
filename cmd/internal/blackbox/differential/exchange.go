package differential

import "strings"

// Exchange is a command and two replies that differ.
type Exchange struct {
	Face         Face
	Args         []string
	Name, Sub    string // of the command, in upper case; Sub is its first argument
	Redis, Rondo Reply
	Watching     bool // the connection has said WATCH since its last EXEC
	Switching    bool // the transaction has a HELLO in it
}

func newExchange(face Face, args []string, redis, rondo Reply) Exchange {
	e := Exchange{Face: face, Args: args, Redis: redis, Rondo: rondo}
	if len(args) > 0 {
		e.Name = strings.ToUpper(args[0])
	}
	if len(args) > 1 {
		e.Sub = strings.ToUpper(args[1])
	}
	return e
}

// is says whether the command is one of names, "GET" or "CLIENT ID".
func (e Exchange) is(names ...string) bool {
	for _, name := range names {
		command, sub, both := strings.Cut(name, " ")
		if e.Name == command && (!both || e.Sub == sub) {
			return true
		}
	}
	return false
}

func (e Exchange) integersWithin(tolerance int64) bool {
	a, ok := e.Redis.integer()
	b, ok2 := e.Rondo.integer()
	return ok && ok2 && a >= 0 && b >= 0 && max(a, b)-min(a, b) <= tolerance
}

// sameKind says whether both replies are of one kind and neither is an error.
func (e Exchange) sameKind() bool { return e.Redis.Mark == e.Rondo.Mark && !e.Redis.isError() }

// only tells that Rondo refuses, in these words, what Redis does.
func (e Exchange) rondoRefuses(prefix string) bool {
	return !e.Redis.isError() && e.Rondo.isError() && strings.HasPrefix(e.Rondo.Text, prefix)
}
