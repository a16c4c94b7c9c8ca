package server

import (
	"sync/atomic"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/resp"
)

// Levels are how many replicas the operations of a connection need. A zero level is "not said here".
type Levels struct {
	Read  cluster.Level // of reads, and of what a write looks at first
	Write cluster.Level
}

// or is l, and where it says nothing what d says.
func (l Levels) or(d Levels) Levels {
	if l.Read.Level == 0 {
		l.Read = d.Read
	}
	if l.Write.Level == 0 {
		l.Write = d.Write
	}
	return l
}

// connectionLevels is where the levels of a connection come from, and what is in force: the first that says something of
// what the client has set, its user, the rule of the key, and the server's default. AT puts others in force for one command.
type connectionLevels struct {
	own, user Levels
	said      Levels   // what own and user say
	open      bool     // said leaves something to the rules
	force     Levels   // where no rule says anything
	index     [2]uint8 // of force in levelStats: read, write
}

const (
	indexRead = iota
	indexWrite
)

// setLevels puts what the client has set in force.
func (s *session) setLevels(own Levels) {
	l := &s.levels
	l.own = own
	l.said = own.or(l.user)
	l.open = l.said.Read.Level == 0 || l.said.Write.Level == 0
	l.force = l.said.or(s.srv.opt.Levels)
	l.index = [2]uint8{levelIndex(l.force.Read), levelIndex(l.force.Write)}
}

// defaultLevels are those of a server that was told nothing.
func defaultLevels() Levels {
	quorum := cluster.Level{Level: cluster.LevelQuorum}
	return Levels{Read: quorum, Write: quorum}
}

// levelError is the reply to a text that is no level, or none that is offered.
func levelError(err error) resp.Error { return resp.Error("ERR " + err.Error()) }

// consistencyCommand is CONSISTENCY: without arguments the levels in force and where they come from; a level for both, or READ
// level, WRITE level.
func consistencyCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	if len(args) == 1 {
		l := &s.levels
		var f fields
		f.text("read", l.force.Read.String())
		f.text("write", l.force.Write.String())
		f.text("read_from", levelOrigin(l.own.Read, l.user.Read))
		f.text("write_from", levelOrigin(l.own.Write, l.user.Write))
		f.text("user", s.userName())
		f.add("keyspaces", s.srv.rules.reply())
		return resp.Map(f...)
	}
	own, bad := s.levels.own.parse(args[1:])
	if bad != "" {
		return bad.Value()
	}
	s.setLevels(own)
	return resp.OK()
}

// levelOrigin is who said a level. What is left to the default the rule of a key may say.
func levelOrigin(own, user cluster.Level) string {
	switch {
	case own.Level != 0:
		return "connection"
	case user.Level != 0:
		return "user"
	}
	return "default"
}

const errConsistencySyntax resp.Error = "ERR syntax error: CONSISTENCY [level | READ level | WRITE level | READ level WRITE level]"

// parse reads the arguments of CONSISTENCY over what was set before.
func (l Levels) parse(args [][]byte) (Levels, resp.Error) {
	if len(args) == 1 {
		if equalFold(args[0], "read") || equalFold(args[0], "write") {
			return l, errConsistencySyntax
		}
		level, err := cluster.ParseLevel(args[0])
		if err != nil {
			return l, levelError(err)
		}
		return Levels{Read: level, Write: level}, ""
	}
	var read, write bool
	for ; len(args) > 0; args = args[2:] {
		to, seen := &l.Read, &read
		switch {
		case len(args) < 2:
			return l, errConsistencySyntax
		case equalFold(args[0], "read"):
		case equalFold(args[0], "write"):
			to, seen = &l.Write, &write
		default:
			return l, errConsistencySyntax
		}
		if *seen {
			return l, errConsistencySyntax
		}
		level, err := cluster.ParseLevel(args[1])
		if err != nil {
			return l, levelError(err)
		}
		*to, *seen = level, true
	}
	return l, ""
}

// runAt is AT: it runs the command that follows the level as if it had come by itself, at that level.
func (s *session) runAt(at *entry, args [][]byte) {
	inner := args[2:]
	level, err := cluster.ParseLevel(args[1])
	if err != nil {
		s.reject(at, args, levelError(err))
		return
	}
	e, bad := s.resolve(inner)
	switch {
	case bad != "":
		s.reject(e, inner, bad)
		return
	case !e.takesLevel():
		s.reject(at, args, resp.Error("ERR AT takes a command that reads or writes keys, not '"+e.cmd.Name+"'"))
		return
	}
	before := s.levels
	i := levelIndex(level)
	s.levels.force, s.levels.index, s.levels.open = Levels{Read: level, Write: level}, [2]uint8{i, i}, false
	s.execute(e, inner)
	s.levels = before
}

// takesLevel tells whether a level means anything to the command: it is an operation on keys, or empties databases.
func (e *entry) takesLevel() bool {
	return e.parse[clusterFace] != nil || e.cmd.Name == "flushall" || e.cmd.Name == "flushdb"
}

// levelIndexes is how many levels are told apart: numbers, names, and each with fallbacks.
const (
	firstNamed   = cluster.MaxReplicas + 1
	plainLevels  = firstNamed + int(cluster.LevelEachQuorum-cluster.LevelAny) + 1
	levelIndexes = 2 * plainLevels
)

// levelIndex is a small number for a level; 0 for none.
func levelIndex(l cluster.Level) uint8 {
	i := int(l.Level)
	if l.Level >= cluster.LevelAny {
		i = firstNamed + int(l.Level-cluster.LevelAny)
	}
	if i >= plainLevels {
		return 0
	}
	if l.Sloppy {
		i += plainLevels
	}
	return uint8(i)
}

// levelAt is the level of an index.
func levelAt(i int) (l cluster.Level) {
	l.Sloppy = i >= plainLevels
	i %= plainLevels
	l.Level = cluster.LevelName(i)
	if i >= firstNamed {
		l.Level = cluster.LevelAny + cluster.LevelName(i-firstNamed)
	}
	return l
}

// levelStats counts the operations at one level. Operations are those that latency counts.
type levelStats struct {
	unavailable, timeouts, overloaded atomic.Int64
	waited                            atomic.Int64
	latency                           [latencyBuckets]atomic.Int64 // as in commandStats
}

// levelCounters are the reads and the writes by level.
type levelCounters [2][levelIndexes]levelStats

// add counts n operations whose client waited for wait each.
func (l *levelStats) add(n, wait int64) {
	l.waited.Add(n * wait)
	l.latency[latencyBucket(wait)].Add(n)
}

func (l *levelStats) reset() {
	for _, c := range []*atomic.Int64{&l.unavailable, &l.timeouts, &l.overloaded, &l.waited} {
		c.Store(0)
	}
	for i := range l.latency {
		l.latency[i].Store(0)
	}
}

// each calls fn for every level that was asked for.
func (c *levelCounters) each(fn func(kind string, level cluster.Level, l *levelStats)) {
	for kind, name := range [2]string{indexRead: "read", indexWrite: "write"} {
		for i := range c[kind] {
			if l := &c[kind][i]; l.histogram().total > 0 {
				fn(name, levelAt(i), l)
			}
		}
	}
}
