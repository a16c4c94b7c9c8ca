package resp

// KeySpec says where some of a command's keys are and what becomes of them.
type KeySpec struct {
	Notes string
	Flags KeyFlags
	Begin KeyBegin
	Find  KeyFind
}

// KeyBegin says where the search begins: at argument Index, or when Keyword is
// set after that word, looked for from argument Index on (negative: backwards
// from the end).
type KeyBegin struct {
	Keyword string
	Index   int
}

// KeyFind says which arguments from there on are keys. Without NumKeys, a
// range: from the begin to LastKey after it (negative: from the end, and with
// Limit n only in the first n-th part of what is left). With NumKeys, the
// argument NumKeysAt after the begin is their number and the first is FirstKey
// after the begin.
type KeyFind struct {
	LastKey   int
	Limit     int
	NumKeys   bool
	NumKeysAt int
	FirstKey  int
	Step      int
}

// KeyFlags say what a command does with a key.
type KeyFlags uint32

const (
	KeyRO     KeyFlags = 1 << iota // reads the value
	KeyRW                          // reads and changes the value
	KeyOW                          // overwrites the value without looking
	KeyRM                          // deletes the key without looking
	KeyAccess                      // the client learns something of the value
	KeyUpdate
	KeyInsert
	KeyDelete
	KeyNotKey
	KeyIncomplete
	KeyVariableFlags // the flags depend on the arguments
)

var keyFlagNames = [...]string{
	"RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key",
	"incomplete", "variable_flags",
}

// Names are the flags' names as COMMAND prints them.
func (f KeyFlags) Names() []string { return bitNames(uint32(f), keyFlagNames[:]) }

// KeyRef is a key among the arguments of a request.
type KeyRef struct {
	Pos   int // index into the arguments, the name being 0
	Flags KeyFlags
}

// Keys are the positions of the keys in args, args[0] being the name of the
// command; for a subcommand args[1] is its own name. It answers COMMAND
// GETKEYS, with that command's errors.
func (c *Command) Keys(args [][]byte) ([]int, error) {
	refs, err := c.KeyRefs(args)
	if err != nil {
		return nil, err
	}
	pos := make([]int, len(refs))
	for i, r := range refs {
		pos[i] = r.Pos
	}
	return pos, nil
}

// KeyRefs is Keys with what becomes of each, as COMMAND GETKEYSANDFLAGS has it.
func (c *Command) KeyRefs(args [][]byte) ([]KeyRef, error) {
	if len(c.KeySpecs) == 0 {
		return nil, ErrGetKeysNone
	}
	if !c.ArityOK(len(args)) {
		return nil, ErrGetKeysArity
	}
	refs, ok := c.AppendKeyRefs(nil, args)
	if !ok && c.Is(NoMandatoryKeys) {
		return nil, nil
	}
	if !ok {
		return nil, ErrGetKeysArgs
	}
	return refs, nil
}

// AppendKeyRefs appends the keys of args to dst, or tells that the arguments do
// not say where they are. It allocates only to grow dst.
//
// REQUIRES: ArityOK(len(args)).
func (c *Command) AppendKeyRefs(dst []KeyRef, args [][]byte) ([]KeyRef, bool) {
	keep := len(dst)
	for i := range c.KeySpecs {
		s := &c.KeySpecs[i]
		first, last, ok := s.span(args)
		if !ok {
			return dst[:keep], false
		}
		flags := s.Flags
		if flags&KeyVariableFlags != 0 {
			flags = variableFlags(c.Name, args)
		}
		for pos := first; pos <= last; pos += s.Find.Step {
			dst = append(dst, KeyRef{pos, flags})
		}
	}
	return dst, true
}

// span is the range of arguments that s speaks of.
func (s *KeySpec) span(args [][]byte) (first, last int, ok bool) {
	first, ok = s.Begin.at(args)
	if !ok {
		return 0, 0, false
	}
	n := len(args)
	f := &s.Find
	switch {
	case f.NumKeys:
		at := first + f.NumKeysAt
		if at >= n {
			return 0, 0, false
		}
		keys, isInt := ParseInt(args[at])
		if !isInt || keys < 0 || keys > int64(n) {
			return 0, 0, false
		}
		first += f.FirstKey
		last = first + (int(keys)-1)*f.Step
	case f.LastKey >= 0:
		last = first + f.LastKey
	case f.Limit == 0:
		last = n + f.LastKey
	default:
		last = first + (n-first)/f.Limit + f.LastKey
	}
	return first, last, first < n && last >= first && last < n
}

// at is the first argument of the search.
func (b *KeyBegin) at(args [][]byte) (int, bool) {
	if b.Keyword == "" {
		return b.Index, b.Index < len(args)
	}
	if b.Index >= 0 {
		for i := b.Index; i < len(args)-1; i++ {
			if sameWord(args[i], b.Keyword) {
				return i + 1, true
			}
		}
		return 0, false
	}
	for i := len(args) + b.Index; i > 1; i-- {
		if sameWord(args[i], b.Keyword) {
			return i + 1, true
		}
	}
	return 0, false
}

// variableFlags are the flags of the key of a command whose options decide them.
func variableFlags(name string, args [][]byte) KeyFlags {
	switch name {
	case "set":
		// GET shows the old value, IFEQ and IFNE something of it.
		if hasOption(args, 3, "get", "ifeq", "ifne") {
			return KeyRW | KeyAccess | KeyUpdate
		}
		return KeyOW | KeyUpdate
	case "delex":
		if len(args) > 2 {
			return KeyRW | KeyAccess | KeyDelete
		}
		return KeyRM | KeyDelete
	}
	return KeyRW | KeyAccess | KeyUpdate
}

func hasOption(args [][]byte, from int, words ...string) bool {
	for i := from; i < len(args); i++ {
		for _, w := range words {
			if equalFold(args[i], w) {
				return true
			}
		}
	}
	return false
}

// sameWord compares ignoring ASCII case.
func sameWord(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if lower(b[i]) != lower(s[i]) {
			return false
		}
	}
	return true
}
