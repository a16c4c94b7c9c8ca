package merkle

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// examples are bytes of each kind, by name, in order.
func examples(t fataler) (names []string, all [][]byte) {
	tree, err := New(16, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for i := range Leaf(100) {
		tree.Change(i*i%1024, 0, uint64(i)+1)
	}
	s := tree.shape
	add := func(name string, b []byte) { names, all = append(names, name), append(all, b) }
	root := Question{Seq: 1, Shape: s, Root: 0x1122334455667788}
	add("question of the root", AppendQuestion(nil, &root))
	nodes := Question{Seq: 2, Shape: s, Level: 1, Nodes: []uint16{0, 3, 31}}
	add("question of nodes", AppendQuestion(nil, &nodes))
	for _, q := range []Question{root, {Seq: 4, Shape: s, Root: tree.Root()}, nodes} {
		a, err := tree.Answer(&q)
		if err != nil {
			t.Fatal(err)
		}
		add(fmt.Sprintf("answer %d", q.Seq), AppendReply(nil, &a))
	}
	split := SplitQuestion{Seq: 5, Range: s.Range(70), Bits: 2}
	add("split", AppendSplitQuestion(nil, &split))
	byTail := SplitQuestion{Seq: 6, Range: split.part(3), Bits: 1, ByTail: true}
	add("split by tail", AppendSplitQuestion(nil, &byTail))
	sp, err := NewSplitter(split)
	if err != nil {
		t.Fatal(err)
	}
	first, last := split.Range.Places()
	for i := range uint64(200) {
		sp.Add(first, 0, i+1)
	}
	sp.Add(last, 0, 9)
	a := sp.Reply()
	add("split answer", AppendSplitReply(nil, &a))
	b, err := tree.AppendSnapshot(nil, Mark{Generation: 1, Sequence: 2, Under: 3})
	if err != nil {
		t.Fatal(err)
	}
	add("snapshot", b)
	b, err = s.New().AppendSnapshot(nil, Mark{})
	if err != nil {
		t.Fatal(err)
	}
	add("snapshot of nothing", b)
	return names, all
}

func TestBytesAreGolden(t *testing.T) {
	names, all := examples(t)
	var b strings.Builder
	for i, name := range names {
		fmt.Fprintf(&b, "%s: %d bytes\n%s", name, len(all[i]), hex.Dump(all[i]))
	}
	golden := filepath.Join("testdata", "bytes.txt")
	if *rewrite {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("other bytes than %s; a new layout needs a new version:\n%s", golden, b.String())
	}
}

// decoded decodes by kind and encodes again.
func decoded(b []byte) (again []byte, err error) {
	if len(b) > 1 && b[0] == messageVersion {
		switch b[1] {
		case kindQuestion:
			q, err := DecodeQuestion(b)
			return AppendQuestion(nil, &q), err
		case kindReply:
			a, err := DecodeReply(b)
			return AppendReply(nil, &a), err
		case kindSplitQuestion:
			q, err := DecodeSplitQuestion(b)
			return AppendSplitQuestion(nil, &q), err
		case kindSplitReply:
			a, err := DecodeSplitReply(b)
			return AppendSplitReply(nil, &a), err
		}
	}
	t, m, err := DecodeSnapshot(b)
	if err != nil {
		return nil, err
	}
	return t.AppendSnapshot(nil, m)
}

func TestDecodersTakeBackWhatWasMade(t *testing.T) {
	names, all := examples(t)
	for i, name := range names {
		again, err := decoded(all[i])
		if err != nil || !bytes.Equal(again, all[i]) {
			t.Errorf("%s: %v", name, err)
		}
		for n := range all[i] {
			if _, err := decoded(all[i][:n]); err == nil {
				t.Errorf("%s: %d of its %d bytes are enough", name, n, len(all[i]))
			}
		}
		if _, err := decoded(append(bytes.Clone(all[i]), 0)); err == nil {
			t.Errorf("%s: a byte too many", name)
		}
	}
}

func TestNewerFormatsAreToldApart(t *testing.T) {
	b := []byte{messageVersion + 1, kindQuestion, 0, 0, 0, 0, 4, 10, 0}
	for name, err := range map[string]error{
		"question":       second(DecodeQuestion(b)),
		"answer":         second(DecodeReply(b)),
		"split question": second(DecodeSplitQuestion(b)),
		"split answer":   second(DecodeSplitReply(b)),
	} {
		if !errors.Is(err, ErrVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBytesThatNobodyMakes(t *testing.T) {
	names, all := examples(t)
	byName := map[string][]byte{}
	for i, name := range names {
		byName[name] = all[i]
	}
	zeros := make([]byte, 1000)
	for name, b := range map[string][]byte{
		"a root's answer of 5 children":       append([]byte{1, 'r', 0, 0, 0, 1, 4, 10, 0, 0, 5}, zeros[:5*8]...),
		"a node's answer of 5 children":       append([]byte{1, 'r', 0, 0, 0, 1, 4, 10, 1, 0, 5}, zeros[:5*9]...),
		"a node's answer of none":             {1, 'r', 0, 0, 0, 1, 4, 10, 1, 0, 0},
		"an answer of a level that is not":    append([]byte{1, 'r', 0, 0, 0, 1, 4, 10, 2, 0, 32}, zeros[:32*9]...),
		"an answer of no shape":               {1, 'r', 0, 0, 0, 1, 4, 4, 0, 0, 0},
		"a split in 3":                        append([]byte{1, 't', 0, 0, 0, 1, 0, 3}, zeros[:3*9]...),
		"a split in 1":                        append([]byte{1, 't', 0, 0, 0, 1, 0, 1}, zeros[:9]...),
		"a split in 512":                      append([]byte{1, 't', 0, 0, 0, 1, 2, 0}, make([]byte, 512*9)...),
		"a count longer than it needs to be":  append([]byte{1, 't', 0, 0, 0, 1, 0, 2}, append(append(zeros[:8:8], 0x81, 0), zeros[:9]...)...),
		"a count above 32 bits":               append([]byte{1, 't', 0, 0, 0, 1, 0, 2}, append(append(zeros[:8:8], 0x80, 0x80, 0x80, 0x80, 0x10), zeros[:9]...)...),
		"a split by neither":                  append(bytes.Clone(byName["split"][:len(byName["split"])-1]), 2),
		"a question of another kind":          append([]byte{1, 'x'}, byName["question of nodes"][2:]...),
		"a question of version 0":             append([]byte{0, 'q'}, byName["question of nodes"][2:]...),
		"a question of too many nodes":        append([]byte{1, 'q', 0, 0, 0, 1, 4, 10, 1, 17}, zeros[:34]...),
		"a question that ends with its count": {1, 'q', 0, 0, 0, 1, 4, 10, 1, 1},
	} {
		for kind, err := range map[string]error{
			"question":       second(DecodeQuestion(b)),
			"answer":         second(DecodeReply(b)),
			"split question": second(DecodeSplitQuestion(b)),
			"split answer":   second(DecodeSplitReply(b)),
		} {
			if !errors.Is(err, ErrMessage) {
				t.Errorf("%s as %s: %v", name, kind, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

// What decodes encodes to the same bytes, is bounded, and can be answered or compared without a panic.
func FuzzMessages(f *testing.F) {
	_, all := examples(f)
	for _, b := range all {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := decoded(b)
		if err == nil && !bytes.Equal(again, b) {
			t.Fatalf("%x became %x", b, again)
		}
		if q, err := DecodeQuestion(b); err == nil {
			a, err := q.Shape.New().Answer(&q)
			if err != nil {
				t.Fatal(err)
			}
			back, err := DecodeReply(AppendReply(nil, &a))
			if err != nil || !reflect.DeepEqual(a, back) {
				t.Fatalf("%+v became %+v, %v", a, back, err)
			}
		}
		if a, err := DecodeReply(b); err == nil {
			tree, w := a.Shape.New(), Begin(a.Shape, a.Seq)
			w.Next(tree)
			_ = w.Step(tree, &a)
			if len(b) > MaxMessage {
				t.Fatalf("an answer of %d bytes", len(b))
			}
		}
		if q, err := DecodeSplitQuestion(b); err == nil {
			s, err := NewSplitter(q)
			if err != nil {
				t.Fatal(err)
			}
			first, last := q.Range.Places()
			s.Add(first, 0, 1)
			s.Add(last, 1<<TailBits-1, 1)
		}
	})
}
