package server

import (
	"fmt"
	"strconv"
	"strings"
)

// infoWriter builds the text of INFO and CLUSTER INFO: name:value lines, ended
// by CR LF, sections parted by an empty line.
type infoWriter struct {
	b strings.Builder
}

func (w *infoWriter) String() string { return w.b.String() }

func (w *infoWriter) section(title string) {
	if w.b.Len() > 0 {
		w.b.WriteString("\r\n")
	}
	w.b.WriteString("# " + title + "\r\n")
}

// text writes a line. Line breaks within value would forge others.
func (w *infoWriter) text(name, value string) {
	if strings.ContainsAny(value, "\r\n") {
		value = strings.NewReplacer("\r", " ", "\n", " ").Replace(value)
	}
	w.b.WriteString(name)
	w.b.WriteByte(':')
	w.b.WriteString(value)
	w.b.WriteString("\r\n")
}

func (w *infoWriter) int(name string, n int64) { w.text(name, strconv.FormatInt(n, 10)) }

func (w *infoWriter) uint(name string, n uint64) { w.text(name, strconv.FormatUint(n, 10)) }

func (w *infoWriter) bool(name string, b bool) {
	if b {
		w.text(name, "1")
	} else {
		w.text(name, "0")
	}
}

func (w *infoWriter) float(name string, f float64, decimals int) {
	w.text(name, strconv.FormatFloat(f, 'f', decimals, 64))
}

// bytes writes a size twice: as a number, and for people under name_human.
func (w *infoWriter) bytes(name string, n int64) {
	w.int(name, n)
	w.text(name+"_human", humanBytes(n))
}

// humanBytes is a size as Redis abbreviates it: 999B, 1.00K, 23.54G.
func humanBytes(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%dB", n)
	}
	f, unit := float64(n)/1024, 0
	for ; f >= 1024 && unit < 4; unit++ {
		f /= 1024
	}
	return fmt.Sprintf("%.2f%c", f, "KMGTP"[unit])
}
