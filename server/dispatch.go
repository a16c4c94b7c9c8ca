package server

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// handler runs one command that is no operation on keys. See the package comment for what it may do.
type handler func(s *session, c *resp.Command, args [][]byte) resp.Value

// action is a handler and how dispatch may treat it.
type action struct {
	run handler
	// free: the command neither needs the earlier ones of its batch to be answered nor changes how replies are sent, so
	// the operations around it share one wait.
	free bool
	// inMulti: runs at once between MULTI and EXEC instead of being queued (EXEC DISCARD WATCH RESET QUIT ...).
	inMulti bool
	// at: the arguments from the third on are the command to run.
	at bool
}

// entry is one row of the dispatch table: a command, or a subcommand of a container.
type entry struct {
	cmd *resp.Command
	// parse makes the operation, by face; nil where action.run is set. A container whose subcommands are all it has
	// neither.
	parse [2]command.Parser
	action
	write bool // changes keys
	// scatter, on the forward face, splits a command over several slots.
	scatter scatterKind
	family  int
	subs    []*entry // of cmd.Subcommands, in that order
	stats   commandStats
}

// serves tells whether anything runs for the entry itself.
func (e *entry) serves() bool { return e.run != nil || e.parse[0] != nil || e.at }

// dispatchTable finds entries by name in any case without allocating. It is built by New and never changes.
type dispatchTable struct {
	slots [dispatchSlots]*entry
	// all are the entries that run something, subcommands included, sorted by full name.
	all []*entry
}

const dispatchSlots = 1024 // a power of two, at least four times the commands

// newDispatchTable makes an entry of every command of the protocol that is not refused, served or not.
func newDispatchTable(parsers [2]map[string]command.Parser, tables ...map[string]action) (*dispatchTable, error) {
	actions := make(map[string]action)
	for _, table := range tables {
		for name, a := range table {
			if _, twice := actions[name]; twice {
				return nil, fmt.Errorf("server: command %q is registered twice", name)
			}
			actions[name] = a
		}
	}
	t := new(dispatchTable)
	byName := make(map[string]*entry)
	for _, cmd := range resp.All() {
		t.add(cmd, byName)
	}
	for name, a := range actions {
		e := byName[name]
		if e == nil {
			return nil, fmt.Errorf("server: command %q is not in the protocol's table", name)
		}
		e.action = a
		for _, sub := range e.subs {
			sub.action = a
		}
	}
	for name, parse := range parsers[clusterFace] {
		e := byName[name]
		if e == nil {
			return nil, fmt.Errorf("server: command %q is not in the protocol's table", name)
		}
		if _, twice := actions[name]; twice {
			return nil, fmt.Errorf("server: command %q is registered twice", name)
		}
		e.action = action{}
		e.parse = [2]command.Parser{clusterFace: parse, forwardFace: parsers[forwardFace][name]}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if e := byName[name]; e.serves() {
			t.all = append(t.all, e)
		}
	}
	return t, nil
}

func (t *dispatchTable) add(cmd *resp.Command, byName map[string]*entry) {
	newEntry := func(cmd *resp.Command) *entry {
		e := new(entry)
		e.cmd = cmd
		e.write = cmd.Is(resp.Write)
		e.scatter = scatterOf(cmd.Name)
		e.family = familyOf(cmd)
		byName[cmd.Name] = e
		return e
	}
	e := newEntry(cmd)
	for _, sub := range cmd.Subcommands {
		e.subs = append(e.subs, newEntry(sub))
	}
	h := nameHash([]byte(cmd.Name))
	for t.slots[h%dispatchSlots] != nil {
		h++
	}
	t.slots[h%dispatchSlots] = e
}

// find returns the entry of a command's name in any case, nil when nothing serves it.
func (t *dispatchTable) find(name []byte) *entry {
	for h := nameHash(name); ; h++ {
		e := t.slots[h%dispatchSlots]
		if e == nil || equalFold(name, e.cmd.Name) {
			return e
		}
	}
}

// nameHash is FNV-1a over the name in lower case, its first 32 bytes: bounded whatever a client sends.
func nameHash(name []byte) uint32 {
	h := uint32(2166136261)
	n := min(len(name), 32)
	for _, c := range name[:n] {
		h = (h ^ uint32(c|0x20)) * 16777619
	}
	return h ^ h>>15
}

// equalFold compares name with a word in lower case, ignoring ASCII case.
func equalFold(name []byte, word string) bool {
	if len(name) != len(word) {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}
