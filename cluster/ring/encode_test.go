package ring

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// TestEncode: what is encoded comes back, and any damage is noticed.
func TestEncode(t *testing.T) {
	d := founded(t, nodes(1, 5, 2), 3, 4096)
	d.Rules = []byte(`{"a":1}`)
	copying := propose(t, d, PlanOptions{By: "ops"}, joins(Node{ID: 70, Rack: "A"})...).Next
	for _, d := range []*Document{d, copying} {
		b, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeDocument(b)
		if err != nil || !reflect.DeepEqual(got, d) || got.Hash() != d.Hash() {
			t.Fatalf("%+v\nbecame %+v: %v", d, got, err)
		}
		for i := range b {
			bad := bytes.Clone(b)
			bad[i] ^= 1
			if got, err := DecodeDocument(bad); err == nil && got.Hash() != d.Hash() {
				t.Fatalf("byte %d changed, and a hash", i)
			} else if err != nil && !errors.Is(err, ErrDocument) {
				t.Fatalf("byte %d: %v", i, err)
			}
		}
	}
	if _, err := DecodeDocument(make([]byte, MaxDocument+1)); !errors.Is(err, ErrDocument) {
		t.Error(err)
	}
	many := strings.Repeat("{},", MaxChanges) + "{}]"
	for _, text := range []string{`"members":[` + many, `"plan":{"target":[` + many + `}`, `"plan":{"changes":[` + many + `}`} {
		if _, err := DecodeDocument([]byte(`{"version":2,` + text + `}`)); !errors.Is(err, ErrDocument) || !strings.Contains(err.Error(), "2049") {
			t.Error(err)
		}
	}
}

func FuzzDecodeDocument(f *testing.F) {
	d := founded(f, nodes(1, 4, 2), 2, 2048)
	d.Rules = []byte(`["<",1]`)
	copying := propose(f, d, PlanOptions{By: "ops"}, joins(Node{ID: 70, Rack: "A"})...).Next
	reading, _ := Next(copying, done(copying))
	for _, d := range []*Document{d, copying, reading} {
		b, err := d.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := DecodeDocument(b); err != nil && !errors.Is(err, ErrDocument) {
			t.Fatal(err)
		}
		// With a right hash, or nothing behind it would ever be reached.
		d, _, err := parse(b)
		if err != nil || d.check() != nil {
			return
		}
		ringOf(t, d)
		again, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		same, err := DecodeDocument(again)
		if err != nil || same.Hash() != d.Hash() {
			t.Fatalf("decoded, encoded and decoded again: %v", err)
		}
		if next, _ := Next(d, done(d)); next != nil {
			if err := next.check(); err != nil {
				t.Fatal(err)
			}
		}
		if next, err := d.Abort(); err == nil {
			if err := next.check(); err != nil {
				t.Fatal(err)
			}
		}
		if p, err := d.Propose(joins(Node{ID: 1000}), PlanOptions{}); err == nil {
			through(t, p.Next)
		}
	})
}
