package cluster

import (
	"reflect"
	"testing"

	"github.com/rondokv/rondo/engine/object"
)

// A report comes out of its bytes as it went in, and of no beginning of them.
func TestKeyReportBytes(t *testing.T) {
	stamp := func(ms int64) object.Stamp { return object.Stamp{HLC: object.HLCOf(ms), Node: 7, Inc: 9} }
	in := KeyReport{Found: true, Bytes: 300, Text: 200, Elements: 3, Element: stamp(5), Hints: []KeyHint{
		{For: 2, Rows: 1, Bytes: 90, Latest: stamp(6)}, {For: 3, Rows: 2, Bytes: 91, Latest: stamp(7)},
	}}
	in.Key.Database = stamp(1)
	in.Key.Row.Cleared = stamp(2)
	in.Key.Row.Value = object.Value{Kind: object.ValueBytes, Stamp: stamp(3)}
	in.Key.Row.Expiry = object.Expiry{Stamp: stamp(4), At: 99}
	body := in.append(nil)
	var out KeyReport
	if err := out.parse(body); err != nil {
		t.Fatal(err)
	}
	if len(out.Key.Row.Value.Bytes) == 0 {
		out.Key.Row.Value.Bytes = nil
	}
	if !reflect.DeepEqual(in, out) {
		t.Errorf("in\n%+v\nout\n%+v", in, out)
	}
	whole := len((&KeyReport{Found: true, Key: in.Key, Bytes: 300, Text: 200, Elements: 3, Element: stamp(5)}).append(nil))
	for n := range body {
		var r KeyReport
		if err := r.parse(body[:n]); err == nil && n != whole && len(r.Hints) != 1 {
			t.Errorf("%d of %d bytes are taken", n, len(body))
		}
	}
	for _, bad := range [][]byte{nil, {1, 2}, {200, 0, 0, 'k'}, {0, 0xff, 0xff, 'k'}} {
		if _, err := new(Node).answerKey(bad); err == nil {
			t.Errorf("the question %x is taken", bad)
		}
	}
}

func FuzzKeyReport(f *testing.F) {
	r := KeyReport{Found: true, Bytes: 9, Text: 3, Elements: 1, Hints: []KeyHint{{For: 2, Rows: 1, Bytes: 90}}}
	r.Key.Row.Value = object.Value{Kind: object.ValueBase, Int: 7, Stamp: object.Stamp{HLC: 1, Node: 2, Inc: 3}}
	f.Add(r.append(nil))
	f.Add((&KeyReport{}).append(nil))
	f.Fuzz(func(t *testing.T, body []byte) {
		var in, out KeyReport
		if in.parse(body) != nil {
			return
		}
		if err := out.parse(in.append(nil)); err != nil || !reflect.DeepEqual(in, out) {
			t.Errorf("%v\nin  %+v\nout %+v", err, in, out)
		}
	})
}
