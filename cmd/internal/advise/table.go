package advise

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Write writes what to do and why, a line each.
func (a *Advice) Write(b *strings.Builder) {
	switch a.Action {
	case Add:
		for _, x := range a.Add {
			fmt.Fprintf(b, "add %s of weight %d%s\n", plural(x.Nodes, "node", "nodes"), x.Weight, x.where())
		}
	case Remove:
		for _, x := range a.Remove {
			fmt.Fprintf(b, "remove node %s (%s)\n", x.ID, orDash(x.Client))
		}
	default:
		fmt.Fprintf(b, "keep the nodes as they are\n")
	}
	for _, r := range a.Reasons {
		fmt.Fprintf(b, "  %s: %s\n", r.Code, r.Text)
	}
}

func (x *Addition) where() string {
	text := ""
	if x.DC != "" {
		text = " in datacenter " + x.DC
	}
	switch {
	case x.NewRack:
		text += ", in a rack of its own"
	case x.Rack != "":
		text += ", in rack " + x.Rack
	}
	return text
}

// Write writes the figures of all members as a table.
func (f *Facts) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "NODE\tCLIENTS\tALIVE\tRACK\tDC\tWEIGHT\tSHARE\tDISK\tFREE\tKEYS\tCPU\tPEAK\tOPS/S\tOVER") // Flush tells of errors
	for i := range f.Members {
		m := &f.Members[i]
		alive := "yes"
		if !m.Alive {
			alive = "NO"
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t", m.ID, orDash(m.Client), alive, orDash(m.Rack), orDash(m.DC), m.Weight, percent(m.Share))
		if !m.known() {
			_, _ = fmt.Fprint(t, "?\t?\t?\t?\t?\t?\t?\n")
			continue
		}
		free := "?"
		if m.FreeBytes > 0 {
			free = bytesText(float64(m.FreeBytes))
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t", bytesText(float64(m.DiskBytes)), free, m.Keys)
		if m.WindowMillis == 0 {
			_, _ = fmt.Fprint(t, "?\t?\t?\t-\n")
			continue
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%.0f\t%s\n", percent(float64(m.BusyMille)/1000), percent(float64(m.PeakMille)/1000),
			float64(m.Operations)/(time.Duration(m.WindowMillis)*time.Millisecond).Seconds(), millisText(m.WindowMillis))
	}
	return t.Flush()
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
