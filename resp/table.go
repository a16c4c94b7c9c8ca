package resp

import "slices"

// table is every command that Rondo knows, by name. It is built once, when the
// program starts, and never changes.
var table = newTable()

// commandTable finds commands by name: an open-addressed hash table at most a
// quarter full, so that nearly every look-up takes one comparison.
type commandTable struct {
	slots  [tableSlots]*Command
	served []*Command // sorted by name
}

const (
	tableSlots = 512 // a power of two
	maxNameLen = 32  // longer names are not looked at
)

func newTable() *commandTable {
	t := new(commandTable)
	for i := range fromRedis {
		t.add(adopt(&fromRedis[i]))
	}
	for i := range fromLater {
		t.add(adopt(&fromLater[i]))
	}
	for i := range fromRondo {
		t.add(adopt(&fromRondo[i]))
	}
	slices.SortFunc(t.served, byName)
	return t
}

// adopt is c with what Rondo changes: newer options, newer subcommands, and the
// reasons of those that are refused.
func adopt(c *Command) *Command {
	own := *c
	own.Refused = refusal(c.Name)
	if c.Name == "set" {
		own.Docs = docSetConditions(c.Docs)
	}
	own.Subcommands = nil
	for _, s := range c.Subcommands {
		own.Subcommands = append(own.Subcommands, adopt(s))
	}
	if c.Name == "client" {
		for i := range clientLater {
			own.Subcommands = append(own.Subcommands, adopt(&clientLater[i]))
		}
		slices.SortFunc(own.Subcommands, byName)
	}
	return &own
}

func byName(a, b *Command) int {
	if a.Name < b.Name {
		return -1
	}
	return 1
}

func (t *commandTable) add(c *Command) {
	h := nameHash([]byte(c.Name))
	for t.slots[h%tableSlots] != nil {
		h++
	}
	t.slots[h%tableSlots] = c
	if c.Refused == "" {
		t.served = append(t.served, c)
	}
}

// nameHash is FNV-1a over name in lower case.
func nameHash(name []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range name {
		h = (h ^ uint32(c|0x20)) * 16777619
	}
	return h ^ h>>15
}

// Lookup finds a command by its name in any case, nil when there is none. It
// finds refused ones too. It does not allocate.
func Lookup(name []byte) *Command {
	if len(name) > maxNameLen {
		return nil
	}
	for h := nameHash(name); ; h++ {
		c := table.slots[h%tableSlots]
		if c == nil || equalFold(name, c.Name) {
			return c
		}
	}
}

// Subcommand finds a subcommand by its own name ("kill") in any case, nil when
// there is none. It finds refused ones too.
func (c *Command) Subcommand(name []byte) *Command {
	for _, s := range c.Subcommands {
		if equalFold(name, s.Name[len(c.Name)+1:]) {
			return s
		}
	}
	return nil
}

// Resolve finds the command or subcommand that a request is for, nil when
// there is none; Unknown is the reply then. A container without a subcommand
// is the container itself.
//
// REQUIRES: len(args) > 0.
func Resolve(args [][]byte) *Command {
	c := Lookup(args[0])
	if c == nil || len(args) == 1 || len(c.Subcommands) == 0 {
		return c
	}
	return c.Subcommand(args[1])
}

// ByFullName finds "get" or "client|kill" in any case, as COMMAND INFO and
// COMMAND DOCS take names; nil when there is none.
func ByFullName(name []byte) *Command {
	for i, b := range name {
		if b == '|' {
			c := Lookup(name[:i])
			if c == nil {
				return nil
			}
			return c.Subcommand(name[i+1:])
		}
	}
	return Lookup(name)
}

// All are the commands that are not refused, sorted by name: what COMMAND
// lists. The slice must not be changed.
func All() []*Command { return table.served }
