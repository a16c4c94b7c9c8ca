package differential

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Reply is a reply taken apart. It is read by code of its own, so that an error
// in the code under test cannot hide itself.
type Reply struct {
	Mark  byte   // the first byte on the wire
	Text  string // of a line or a bulk; the declared length of an aggregate
	Null  bool   // RESP3's null, RESP2's null bulk or array
	Elems []Reply
}

// parse takes apart bytes that are one whole reply.
func parse(raw []byte) (Reply, error) {
	r, rest, err := parseOne(raw)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes after the reply", len(rest))
	}
	return r, err
}

func parseOne(raw []byte) (r Reply, rest []byte, err error) {
	line, rest, ok := bytes.Cut(raw, []byte("\r\n"))
	if !ok || len(line) == 0 {
		return r, nil, fmt.Errorf("no line in %q", raw)
	}
	r = Reply{Mark: line[0], Text: string(line[1:])}
	n := 0
	if strings.IndexByte("$=!*~>%|", r.Mark) >= 0 {
		if n, err = strconv.Atoi(r.Text); err != nil {
			return r, nil, err
		}
	}
	switch r.Mark {
	case '$', '=', '!':
		if n < 0 {
			r.Null = true
			return r, rest, nil
		}
		if len(rest) < n+2 {
			return r, nil, fmt.Errorf("%q is short", raw)
		}
		r.Text = string(rest[:n])
		return r, rest[n+2:], nil
	case '%', '|':
		n *= 2
	}
	r.Null = n < 0 || r.Mark == '_'
	for range n {
		var e Reply
		if e, rest, err = parseOne(rest); err != nil {
			return r, nil, err
		}
		r.Elems = append(r.Elems, e)
	}
	return r, rest, nil
}

func (r Reply) isError() bool { return r.Mark == '-' }

func (r Reply) isQueued() bool { return r.Mark == '+' && r.Text == "QUEUED" }

// isArray says whether r is a list of any kind, a null not included.
func (r Reply) isArray() bool { return (r.Mark == '*' || r.Mark == '~') && !r.Null }

func (r Reply) integer() (int64, bool) {
	if r.Mark != ':' {
		return 0, false
	}
	n, err := strconv.ParseInt(r.Text, 10, 64)
	return n, err == nil
}

// key is a form in which equal replies are equal strings.
func (r Reply) key() string {
	var b strings.Builder
	r.appendKey(&b)
	return b.String()
}

func (r Reply) appendKey(b *strings.Builder) {
	if r.Null {
		fmt.Fprintf(b, "%cnull", r.Mark)
		return
	}
	fmt.Fprintf(b, "%c%q", r.Mark, r.Text)
	for _, e := range r.Elems {
		b.WriteByte(' ')
		e.appendKey(b)
	}
}

// sameSet says whether two lists have the same elements in any order.
func sameSet(a, b Reply) bool {
	if a.Mark != b.Mark || a.Text != b.Text {
		return false
	}
	return slices.Equal(sortedKeys(a.Elems), sortedKeys(b.Elems))
}

func sortedKeys(elems []Reply) []string {
	keys := make([]string, len(elems))
	for i, e := range elems {
		keys[i] = e.key()
	}
	slices.Sort(keys)
	return keys
}

// unordered is key with the elements of every list within sorted.
func unordered(r Reply) string {
	if r.Null {
		return r.key()
	}
	keys := make([]string, len(r.Elems))
	for i, e := range r.Elems {
		keys[i] = unordered(e)
	}
	slices.Sort(keys)
	return fmt.Sprintf("%c%q(%s)", r.Mark, r.Text, strings.Join(keys, " "))
}

// words is a reply without what differs between RESP2 and RESP3.
func words(r Reply) string {
	if r.Null || r.Mark == '_' {
		return "null"
	}
	if r.Mark == '=' {
		_, text, _ := strings.Cut(r.Text, ":") // a verbatim string names its format first
		return strconv.Quote(text)
	}
	if len(r.Elems) == 0 {
		return strconv.Quote(r.Text)
	}
	all := make([]string, len(r.Elems))
	for i, e := range r.Elems {
		all[i] = words(e)
	}
	return "(" + strings.Join(all, " ") + ")"
}

// sameShape says whether two replies are of the same kinds all the way down,
// lengths and texts apart.
func sameShape(a, b Reply) bool {
	if a.Mark != b.Mark {
		return false
	}
	for i := range min(len(a.Elems), len(b.Elems)) {
		if !sameShape(a.Elems[i], b.Elems[i]) {
			return false
		}
	}
	return true
}
