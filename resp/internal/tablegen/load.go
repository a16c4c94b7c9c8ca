package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rondokv/rondo/resp"
)

// load asks for the rows and docs of all served commands.
func load(c *client) ([]*resp.Command, error) {
	rows, err := c.do(append([]string{"COMMAND", "INFO"}, served...)...)
	if err != nil {
		return nil, err
	}
	docs, err := c.do(append([]string{"COMMAND", "DOCS"}, served...)...)
	if err != nil {
		return nil, err
	}
	byName := object(docs)
	var cmds []*resp.Command
	for i, row := range rows.Elems {
		if row.IsNil() {
			return nil, fmt.Errorf("the server does not know %s", served[i])
		}
		cmd, err := command(row, byName[served[i]])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", served[i], err)
		}
		cmds = append(cmds, cmd)
	}
	slices.SortFunc(cmds, byNameOrder)
	return cmds, nil
}

func byNameOrder(a, b *resp.Command) int { return strings.Compare(a.Name, b.Name) }

// object is a map reply as a Go map; order is kept by nobody who uses it.
func object(v resp.Value) map[string]resp.Value {
	m := make(map[string]resp.Value, len(v.Elems)/2)
	for i := 0; i+1 < len(v.Elems); i += 2 {
		m[v.Elems[i].Str] = v.Elems[i+1]
	}
	return m
}

func texts(v resp.Value) []string {
	var out []string
	for _, e := range v.Elems {
		out = append(out, e.Str)
	}
	return out
}

func command(row, doc resp.Value) (*resp.Command, error) {
	e := row.Elems
	if len(e) != 10 {
		return nil, fmt.Errorf("a row of %d elements", len(e))
	}
	c := &resp.Command{
		Name:     e[0].Str,
		Arity:    int(e[1].Int),
		FirstKey: int(e[3].Int),
		LastKey:  int(e[4].Int),
		Step:     int(e[5].Int),
		Tips:     texts(e[7]),
		Docs:     documentation(doc),
	}
	var err error
	if c.Flags, err = bits[resp.Flags](texts(e[2])); err != nil {
		return nil, err
	}
	if c.Categories, err = bits[resp.Categories](texts(e[6])); err != nil {
		return nil, err
	}
	for _, s := range e[8].Elems {
		spec, err := keySpec(object(s))
		if err != nil {
			return nil, err
		}
		c.KeySpecs = append(c.KeySpecs, spec)
	}
	docs := object(object(doc)["subcommands"])
	for _, s := range e[9].Elems {
		name := s.Elems[0].Str
		if slices.Contains(unknown, name) {
			continue
		}
		sub, err := command(s, docs[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c.Subcommands = append(c.Subcommands, sub)
	}
	slices.SortFunc(c.Subcommands, byNameOrder)
	return c, nil
}

// bits finds the set of flags that prints as names.
func bits[T interface {
	~uint32
	Names() []string
}](names []string) (T, error) {
	var all T
	for i := range 32 {
		bit := T(1) << i
		if n := bit.Names(); len(n) == 1 && slices.Contains(names, n[0]) {
			all |= bit
		}
	}
	if !slices.Equal(all.Names(), names) {
		return 0, fmt.Errorf("flags %v are printed as %v", names, all.Names())
	}
	return all, nil
}

func keySpec(m map[string]resp.Value) (resp.KeySpec, error) {
	flags, err := bits[resp.KeyFlags](texts(m["flags"]))
	if err != nil {
		return resp.KeySpec{}, err
	}
	s := resp.KeySpec{Notes: m["notes"].Str, Flags: flags}
	begin, find := object(m["begin_search"]), object(m["find_keys"])
	b, f := object(begin["spec"]), object(find["spec"])
	num := func(v resp.Value) int { return int(v.Int) }
	switch begin["type"].Str {
	case "index":
		s.Begin.Index = num(b["index"])
	case "keyword":
		s.Begin.Keyword, s.Begin.Index = b["keyword"].Str, num(b["startfrom"])
	default:
		return s, fmt.Errorf("key spec begins by %q", begin["type"].Str)
	}
	s.Find.Step = num(f["keystep"])
	switch find["type"].Str {
	case "range":
		s.Find.LastKey, s.Find.Limit = num(f["lastkey"]), num(f["limit"])
	case "keynum":
		s.Find.NumKeys = true
		s.Find.NumKeysAt, s.Find.FirstKey = num(f["keynumidx"]), num(f["firstkey"])
	default:
		return s, fmt.Errorf("key spec finds by %q", find["type"].Str)
	}
	return s, nil
}

func documentation(v resp.Value) *resp.Doc {
	m := object(v)
	d := &resp.Doc{
		Summary:         m["summary"].Str,
		Since:           m["since"].Str,
		Group:           m["group"].Str,
		Complexity:      m["complexity"].Str,
		Flags:           texts(m["doc_flags"]),
		DeprecatedSince: m["deprecated_since"].Str,
		ReplacedBy:      m["replaced_by"].Str,
		Args:            arguments(m["arguments"]),
	}
	for _, h := range m["history"].Elems {
		d.History = append(d.History, resp.Change{Since: h.Elems[0].Str, What: h.Elems[1].Str})
	}
	return d
}

func arguments(v resp.Value) []resp.Arg {
	var out []resp.Arg
	for _, e := range v.Elems {
		m := object(e)
		a := resp.Arg{
			Name:            m["name"].Str,
			Type:            m["type"].Str,
			Token:           m["token"].Str,
			Summary:         m["summary"].Str,
			Since:           m["since"].Str,
			DeprecatedSince: m["deprecated_since"].Str,
			Flags:           texts(m["flags"]),
			Args:            arguments(m["arguments"]),
		}
		if k, ok := m["key_spec_index"]; ok {
			a.Key = int(k.Int) + 1
		}
		out = append(out, a)
	}
	return out
}
