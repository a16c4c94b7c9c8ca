package server

import (
	"fmt"
	"testing"
	"time"
)

func TestHumanBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0B", 200: "200B", 1023: "1023B", 1024: "1.00K", 916280: "894.80K", 12177408: "11.61M", 25276514304: "23.54G", 1 << 62: "4096.00P",
	} {
		if got := humanBytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// A value with line breaks cannot forge another field.
func TestInfoWriterKeepsToOneLine(t *testing.T) {
	var w infoWriter
	w.section("A")
	w.text("x", "1\r\nrole:slave")
	w.section("B")
	w.bool("y", true)
	w.bytes("z", 2048)
	want := "# A\r\nx:1  role:slave\r\n\r\n# B\r\ny:1\r\nz:2048\r\nz_human:2.00K\r\n"
	if got := w.String(); got != want {
		t.Errorf("got %q", got)
	}
}

func TestRates(t *testing.T) {
	var r rates
	second := int64(time.Second)
	r.sample(second, rateTotals{commands: 100})
	r.sample(3*second, rateTotals{commands: 300, bytesIn: 2048, bytesOut: 10})
	if f := r.figures(); f != (rateFigures{commands: 100, bytesIn: 1024, bytesOut: 5}) {
		t.Errorf("rates %+v", f)
	}
	r.sample(4*second, rateTotals{}) // CONFIG RESETSTAT
	if f := r.figures(); f.commands != 0 {
		t.Errorf("after a reset %+v", f)
	}
	r.sample(4*second, rateTotals{commands: 5}) // no time has passed: no division by it
	if f := r.figures(); f.commands != 0 {
		t.Errorf("without time %+v", f)
	}
}

func TestErrorStatsAreBounded(t *testing.T) {
	var e errorStats
	for i := range 2 * maxErrorCodes {
		e.add(fmt.Sprintf("CODE%03d words", i))
		e.add("ERR words")
	}
	all := e.all()
	if len(all) != maxErrorCodes {
		t.Errorf("%d codes", len(all))
	}
	if last := all[len(all)-1]; last.code != "ERR" || last.count != 2*maxErrorCodes {
		t.Errorf("last %+v", last)
	}
	e.reset()
	if len(e.all()) != 0 {
		t.Error("not reset")
	}
}
