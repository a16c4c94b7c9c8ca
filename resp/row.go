package resp

// Row is the command's row of COMMAND, ten elements as Redis 7.0 has them:
// name, arity, flags, first key, last key, step, categories, tips, key specs,
// subcommands. Refused subcommands are left out.
func (c *Command) Row() Value {
	specs := make([]Value, len(c.KeySpecs))
	for i := range c.KeySpecs {
		specs[i] = c.KeySpecs[i].row()
	}
	var subs []Value
	for _, s := range c.Subcommands {
		if s.Refused == "" {
			subs = append(subs, s.Row())
		}
	}
	return Array(
		BulkString(c.Name),
		Int(int64(c.Arity)),
		words(c.Flags.Names()),
		Int(int64(c.FirstKey)),
		Int(int64(c.LastKey)),
		Int(int64(c.Step)),
		words(c.Categories.Names()),
		Set(bulks(c.Tips)...),
		Set(specs...),
		subcommandRows(subs),
	)
}

// subcommandRows is an array, but where there are none an empty set: so Redis.
func subcommandRows(subs []Value) Value {
	if len(subs) == 0 {
		return Set()
	}
	return Array(subs...)
}

// words is a set of status replies, as Redis sends flags.
func words(names []string) Value {
	elems := make([]Value, len(names))
	for i, n := range names {
		elems[i] = Simple(n)
	}
	return Set(elems...)
}

func bulks(texts []string) []Value {
	elems := make([]Value, len(texts))
	for i, t := range texts {
		elems[i] = BulkString(t)
	}
	return elems
}

func (s *KeySpec) row() Value {
	var m fields
	m.text("notes", s.Notes)
	m.add("flags", words(s.Flags.Names()))
	m.add("begin_search", s.Begin.row())
	m.add("find_keys", s.Find.row())
	return Map(m...)
}

func (b *KeyBegin) row() Value {
	kind := "index"
	var spec fields
	if b.Keyword != "" {
		kind = "keyword"
		spec.add("keyword", BulkString(b.Keyword))
		spec.num("startfrom", b.Index)
	} else {
		spec.num("index", b.Index)
	}
	return typedSpec(kind, spec)
}

func (f *KeyFind) row() Value {
	kind := "range"
	var spec fields
	if f.NumKeys {
		kind = "keynum"
		spec.num("keynumidx", f.NumKeysAt)
		spec.num("firstkey", f.FirstKey)
		spec.num("keystep", f.Step)
	} else {
		spec.num("lastkey", f.LastKey)
		spec.num("keystep", f.Step)
		spec.num("limit", f.Limit)
	}
	return typedSpec(kind, spec)
}

func typedSpec(kind string, spec fields) Value {
	return Map(BulkString("type"), BulkString(kind), BulkString("spec"), Map(spec...))
}

// Doc is the command's value in the map of COMMAND DOCS, whose key is Name.
// Refused subcommands are left out.
func (c *Command) Doc() Value {
	d := c.Docs
	var m fields
	m.text("summary", d.Summary)
	m.text("since", d.Since)
	m.text("group", d.Group)
	m.text("complexity", d.Complexity)
	m.set("doc_flags", d.Flags)
	m.text("deprecated_since", d.DeprecatedSince)
	m.text("replaced_by", d.ReplacedBy)
	if len(d.History) > 0 {
		lines := make([]Value, len(d.History))
		for i, h := range d.History {
			lines[i] = Array(BulkString(h.Since), BulkString(h.What))
		}
		m.add("history", Set(lines...))
	}
	if len(d.Args) > 0 {
		m.add("arguments", argRows(d.Args))
	}
	var subs fields
	for _, s := range c.Subcommands {
		if s.Refused == "" {
			subs.add(s.Name, s.Doc())
		}
	}
	if len(subs) > 0 {
		m.add("subcommands", Map(subs...))
	}
	return Map(m...)
}

func argRows(args []Arg) Value {
	rows := make([]Value, len(args))
	for i := range args {
		a := &args[i]
		var m fields
		m.text("name", a.Name)
		m.text("type", a.Type)
		if a.Key > 0 {
			m.num("key_spec_index", a.Key-1)
		}
		m.text("token", a.Token)
		m.text("summary", a.Summary)
		m.text("since", a.Since)
		m.text("deprecated_since", a.DeprecatedSince)
		m.set("flags", a.Flags)
		if len(a.Args) > 0 {
			m.add("arguments", argRows(a.Args))
		}
		rows[i] = Map(m...)
	}
	return Array(rows...)
}

// fields collects a map's keys and values.
type fields []Value

func (m *fields) add(key string, v Value) { *m = append(*m, BulkString(key), v) }

func (m *fields) num(key string, n int) { m.add(key, Int(int64(n))) }

// text adds a string that has something in it.
func (m *fields) text(key, s string) {
	if s != "" {
		m.add(key, BulkString(s))
	}
}

func (m *fields) set(key string, names []string) {
	if len(names) > 0 {
		m.add(key, words(names))
	}
}
