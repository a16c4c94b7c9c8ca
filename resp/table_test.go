package resp

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// later tells whether Redis 7.0.15 does not have the command.
func later(name string) bool {
	switch name {
	case "delex", "client|setinfo", "client|no-touch", "at", "consistency", "keyinfo":
		return true
	}
	return false
}

// known is every command of the table, refused ones too.
func known() []*Command {
	var out []*Command
	for _, c := range table.slots {
		if c != nil {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, byName)
	return out
}

// TestRowsAndDocsEqualRedis compares COMMAND INFO and COMMAND DOCS of every
// command with those of the real server, after taking from both what the other
// is meant not to have.
func TestRowsAndDocsEqualRedis(t *testing.T) {
	r := startRedis(t)
	r.do("HELLO", "3")
	compared := 0
	for _, c := range known() {
		if later(c.Name) {
			continue
		}
		compared++
		own := withoutLater(c)
		row := r.do("COMMAND", "INFO", c.Name).Elems[0]
		if got, want := wire(own.Row()), wire(sameSubs(row)); got != want {
			t.Errorf("COMMAND INFO %s:\n got %q\nwant %q", c.Name, got, want)
		}
		if c.Name == "set" {
			continue // documented with newer options, see below
		}
		doc := r.do("COMMAND", "DOCS", c.Name).Elems[1]
		if got, want := wire(own.Doc()), wire(sameSubDocs(own, doc)); got != want {
			t.Errorf("COMMAND DOCS %s:\n got %q\nwant %q", c.Name, got, want)
		}
	}
	if compared < 85 {
		t.Errorf("only %d commands compared", compared)
	}
}

// withoutLater is c without subcommands that Redis 7.0.15 does not have.
func withoutLater(c *Command) *Command {
	own := *c
	own.Subcommands = slices.DeleteFunc(slices.Clone(c.Subcommands), func(s *Command) bool { return later(s.Name) })
	return &own
}

// sameSubs is the real row with its subcommands sorted and without those that
// Rondo refuses or does not know.
func sameSubs(row Value) Value {
	e := slices.Clone(row.Elems)
	if len(e[9].Elems) == 0 {
		return row // an empty set, not an empty array
	}
	var subs []Value
	for _, s := range e[9].Elems {
		if sub := ByFullName([]byte(s.Elems[0].Str)); sub != nil && sub.Refused == "" {
			subs = append(subs, s)
		}
	}
	slices.SortFunc(subs, func(a, b Value) int { return strings.Compare(a.Elems[0].Str, b.Elems[0].Str) })
	e[9] = Array(subs...)
	return Array(e...)
}

func sameSubDocs(c *Command, doc Value) Value {
	var out []Value
	for i := 0; i < len(doc.Elems); i += 2 {
		key, v := doc.Elems[i], doc.Elems[i+1]
		if key.Str == "subcommands" {
			var subs []Value
			for _, s := range c.Subcommands {
				for j := 0; j < len(v.Elems); j += 2 {
					if s.Refused == "" && v.Elems[j].Str == s.Name {
						subs = append(subs, v.Elems[j], v.Elems[j+1])
					}
				}
			}
			v = Map(subs...)
		}
		out = append(out, key, v)
	}
	return Map(out...)
}

// TestNoSubcommandIsForgotten wants every subcommand of the real server in the
// table, refused or not, but for those that are hidden on purpose.
func TestNoSubcommandIsForgotten(t *testing.T) {
	r := startRedis(t)
	hidden := []string{"client|caching", "client|getredir", "client|tracking", "client|trackinginfo"}
	for _, c := range known() {
		if later(c.Name) {
			continue
		}
		for _, s := range r.do("COMMAND", "INFO", c.Name).Elems[0].Elems[9].Elems {
			name := s.Elems[0].Str
			if found := ByFullName([]byte(name)) != nil; found == slices.Contains(hidden, name) {
				t.Errorf("%s: in the table: %v", name, found)
			}
		}
	}
}

// TestSetDocsDifferOnlyByConditions takes the newer options out of SET's
// documentation and finds that of the real server.
func TestSetDocsDifferOnlyByConditions(t *testing.T) {
	r := startRedis(t)
	r.do("HELLO", "3")
	own := *Lookup([]byte("set"))
	d := *own.Docs
	d.History = d.History[:len(d.History)-1]
	d.Args = slices.Clone(d.Args)
	for i := range d.Args {
		if d.Args[i].Name == "condition" {
			n := len(d.Args[i].Args)
			d.Args[i].Args = d.Args[i].Args[:n-2]
		}
	}
	own.Docs = &d
	if got, want := wire(own.Doc()), wire(r.do("COMMAND", "DOCS", "set").Elems[1]); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if s := Lookup([]byte("SET")).Syntax(); !strings.Contains(s, "IFEQ <ifeq-value>|IFNE <ifne-value>") {
		t.Errorf("syntax %q", s)
	}
}

// TestGetKeysEqualsRedis sends random argument lists to COMMAND GETKEYS and
// GETKEYSANDFLAGS of the real server.
func TestGetKeysEqualsRedis(t *testing.T) {
	r := startRedis(t)
	rng := rand.New(rand.NewPCG(1, 2))
	words := []string{"a", "b", "GET", "get", "ifx", "NX", "1", "2", "-1", "0", "x", "keys", ""}
	var reqs [][]string
	var want []Value
	for _, c := range known() {
		for _, full := range append([]*Command{c}, c.Subcommands...) {
			if later(full.Name) {
				continue
			}
			name := strings.Split(full.Name, "|")
			for range 60 {
				args := slices.Clone(name)
				for range rng.IntN(7) {
					args = append(args, words[rng.IntN(len(words))])
				}
				if len(args) < 2 {
					continue // refused by the arity of COMMAND GETKEYS itself
				}
				reqs = append(reqs, append([]string{"COMMAND", "GETKEYS"}, args...),
					append([]string{"COMMAND", "GETKEYSANDFLAGS"}, args...))
				want = append(want, getKeys(args, false), getKeys(args, true))
			}
		}
	}
	bad := 0
	for i, got := range r.pipe(reqs) {
		if w, g := string(want[i].AppendTo(nil, 2)), string(got.AppendTo(nil, 2)); w != g {
			t.Errorf("%q: redis %q, here %q", reqs[i], g, w)
			if bad++; bad > 20 {
				t.FailNow()
			}
		}
	}
}

// getKeys answers COMMAND GETKEYS as a front door would.
func getKeys(args []string, flags bool) Value {
	raw := make([][]byte, len(args))
	for i, a := range args {
		raw[i] = []byte(a)
	}
	c := Resolve(raw)
	if c == nil {
		return ErrGetKeysCommand.Value()
	}
	refs, err := c.KeyRefs(raw)
	if err != nil {
		return err.(Error).Value()
	}
	out := Array()
	for _, k := range refs {
		key := Bulk(raw[k.Pos])
		if flags {
			key = Array(key, words(k.Flags.Names()))
		}
		out.Elems = append(out.Elems, key)
	}
	return out
}

// TestKeySpecForms tries the forms that no command of the table has yet, on the
// specs that Redis gives to ZUNIONSTORE, XREAD and MIGRATE.
func TestKeySpecForms(t *testing.T) {
	step1 := KeyFind{Step: 1}
	zunionstore := Command{Arity: -4, KeySpecs: []KeySpec{
		{Flags: KeyOW | KeyUpdate, Begin: KeyBegin{Index: 1}, Find: step1},
		{Flags: KeyRO | KeyAccess, Begin: KeyBegin{Index: 2}, Find: KeyFind{NumKeys: true, FirstKey: 1, Step: 1}},
	}}
	xread := Command{Arity: -4, KeySpecs: []KeySpec{{Begin: KeyBegin{Keyword: "STREAMS", Index: 1},
		Find: KeyFind{LastKey: -1, Limit: 2, Step: 1}}}}
	migrate := Command{Arity: -6, KeySpecs: []KeySpec{{Begin: KeyBegin{Keyword: "KEYS", Index: -2},
		Find: KeyFind{LastKey: -1, Step: 1}}}}
	cases := []struct {
		c    *Command
		args string
		want []int
		err  error
	}{
		{&zunionstore, "zunionstore d 2 a b", []int{1, 3, 4}, nil},
		{&zunionstore, "zunionstore d 2 a b weights 1 2", []int{1, 3, 4}, nil},
		{&zunionstore, "zunionstore d 3 a b", nil, ErrGetKeysArgs},
		{&zunionstore, "zunionstore d x a b", nil, ErrGetKeysArgs},
		{&zunionstore, "zunionstore d 9223372036854775807 a b", nil, ErrGetKeysArgs},
		{&zunionstore, "zunionstore d", nil, ErrGetKeysArity},
		{&xread, "xread count 2 streams a b 0 0", []int{4, 5}, nil},
		{&xread, "xread count 2 stream a b 0 0", nil, ErrGetKeysArgs},
		{&xread, "xread count 2 streams", nil, ErrGetKeysArgs},
		{&migrate, "migrate h p  0 5 KEYS a b c", []int{7, 8, 9}, nil},
		{&migrate, "migrate h p k 0 5 copy", nil, ErrGetKeysArgs},
	}
	for _, c := range cases {
		var raw [][]byte
		for _, w := range strings.Split(c.args, " ") {
			raw = append(raw, []byte(w))
		}
		got, err := c.c.Keys(raw)
		if !slices.Equal(got, c.want) || err != c.err {
			t.Errorf("%s: %v, %v; want %v, %v", c.args, got, err, c.want, c.err)
		}
	}
}

func TestLookup(t *testing.T) {
	for _, c := range known() {
		for _, name := range []string{c.Name, strings.ToUpper(c.Name), strings.ToUpper(c.Name[:1]) + c.Name[1:]} {
			if got := Lookup([]byte(name)); got != c {
				t.Errorf("Lookup(%q) = %v", name, got)
			}
		}
		for _, name := range []string{c.Name + "x", c.Name[1:], c.Name + "\x00", "\x00" + c.Name} {
			if got := Lookup([]byte(name)); got != nil && got.Name != name {
				t.Errorf("Lookup(%q) = %s", name, got.Name)
			}
		}
	}
	for _, name := range []string{"", "gEt ", "g\x05t", "hset", "client|kill", strings.Repeat("get", 1000)} {
		if got := Lookup([]byte(name)); got != nil {
			t.Errorf("Lookup(%q) = %s", name, got.Name)
		}
	}
	name := []byte("IncrByFloat")
	if n := testing.AllocsPerRun(100, func() { Lookup(name) }); n != 0 {
		t.Errorf("Lookup allocates %v times", n)
	}
	if c := ByFullName([]byte("CLIENT|kill")); c == nil || c.Name != "client|kill" {
		t.Errorf("ByFullName: %v", c)
	}
	for _, name := range []string{"client|", "client|tracking", "nosuch|kill", "get|x", "|"} {
		if c := ByFullName([]byte(name)); c != nil {
			t.Errorf("ByFullName(%q) = %s", name, c.Name)
		}
	}
}

func TestTableIsSortedAndSparse(t *testing.T) {
	names := func(cs []*Command) (out []string) {
		for _, c := range cs {
			out = append(out, c.Name)
		}
		return out
	}
	all := names(All())
	if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("All is not sorted: %v", all)
	}
	for _, c := range All() {
		if !slices.IsSorted(names(c.Subcommands)) {
			t.Errorf("%s: subcommands not sorted", c.Name)
		}
	}
	if n := len(known()); n > tableSlots/4 {
		t.Errorf("%d commands in %d slots", n, tableSlots)
	}
	for _, gone := range []string{"save", "move", "psync"} {
		if slices.Contains(all, gone) {
			t.Errorf("All lists %s, which is refused", gone)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, name := range strings.Fields("save bgsave bgrewriteaof replicaof slaveof sync psync failover " +
		"cluster|meet cluster|addslots cluster|addslotsrange cluster|delslots cluster|delslotsrange " +
		"cluster|setslot cluster|failover cluster|replicate cluster|forget cluster|reset " +
		"cluster|bumpepoch cluster|set-config-epoch cluster|saveconfig cluster|flushslots " +
		"module|load module|loadex module|unload swapdb move") {
		c := ByFullName([]byte(name))
		if c == nil {
			t.Errorf("%s is not known", name)
			continue
		}
		words := strings.ToUpper(strings.ReplaceAll(name, "|", " "))
		if !strings.HasPrefix(string(c.Refused), "ERR "+words+" is not supported by Rondo: ") {
			t.Errorf("%s: %q", name, c.Refused)
		}
	}
	for _, name := range []string{"get", "cluster", "cluster|nodes", "module", "module|list"} {
		if c := ByFullName([]byte(name)); c == nil || c.Refused != "" {
			t.Errorf("%s: %v", name, c)
		}
	}
}

func TestHelpAndSyntax(t *testing.T) {
	cases := map[string]string{
		"mset":         "MSET <key> <value> [<key> <value> ...]",
		"del":          "DEL <key> [<key> ...]",
		"expire":       "EXPIRE <key> <seconds> [NX|XX|GT|LT]",
		"client|reply": "CLIENT REPLY (ON|OFF|SKIP)",
		"time":         "TIME",
	}
	for name, want := range cases {
		if got := ByFullName([]byte(name)).Syntax(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	help := string(Lookup([]byte("cluster")).Help().AppendTo(nil, 2))
	for _, want := range []string{"+CLUSTER <subcommand> [<arg>", "+KEYSLOT <key>\r\n", "+HELP\r\n"} {
		if !strings.Contains(help, want) {
			t.Errorf("no %q in %s", want, help)
		}
	}
	if strings.Contains(help, "MEET") {
		t.Error("help offers a refused subcommand")
	}
}

func BenchmarkLookup(b *testing.B) {
	names := [][]byte{[]byte("GET"), []byte("set"), []byte("INCRBYFLOAT"), []byte("expire")}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if Lookup(names[i&3]) == nil {
			b.Fatal("lost")
		}
	}
}
