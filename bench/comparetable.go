package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// legend explains the columns that do not explain themselves.
const legend = `Medians over the rounds; latencies in ms. CPU = microseconds of the server process per operation (sys: the
kernel's part; min: the best round; later: work put off until after the cell). Ratios are to the first server in the
same round: median (quartiles). srv, cli = share of a core; with cli near 100% the client limits ops/s, CPU still holds.
`

// Write prints the table: for each cell one line a server, with its ratios to
// the first server, and to the second reference where there is one.
func (r CompareReport) Write(w io.Writer) error {
	var b strings.Builder
	second := r.secondReference()
	fmt.Fprintf(&b, "%s\n%s\n", r.Machine, r.Setup)
	for i, s := range r.Servers {
		role := ""
		if i == 0 && len(r.Servers) > 1 {
			role = ", the reference"
		} else if i > 0 && i == second {
			role = ", the second reference"
		}
		fmt.Fprintf(&b, "%s: version %s%s\n", s.Name, orDefault(s.Version, "unknown"), role)
	}
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "cell\tserver\tops/s\tp50\tp99\tp99.9\tCPU us\tsys\tmin\tlater\tRSS MB\tsrv\tcli\tops/s ratio\tCPU ratio\t"+r.againstTitles(second))
	for j := range r.Servers[0].Cells {
		for i, s := range r.Servers {
			writeCell(tw, i, s.Name, s.Cells[j])
			fmt.Fprintln(tw, againstColumns(i, second, s.Cells[j]))
		}
	}
	_ = tw.Flush() // into a strings.Builder, which cannot fail
	b.WriteString(legend)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("bench: write report: %w", err)
	}
	return nil
}

func writeCell(w io.Writer, server int, name string, c CellReport) {
	cell, opsRatio, cpuRatio := "", c.ThroughputRatio.String(), c.CPURatio.String()
	if server == 0 {
		cell = fmt.Sprintf("%s P=%d", strings.ToUpper(string(c.Command)), c.Pipeline)
		opsRatio, cpuRatio = "1", "1"
	}
	m := c.Median
	fmt.Fprintf(w, "%s\t%s\t%.0f\t%s\t%s\t%s\t%.2f\t%.2f\t%.2f\t%.2f\t%d\t%.0f%%\t%.0f%%\t%s\t%s\t",
		cell, name, m.Throughput, millis(m.Latency.P50), millis(m.Latency.P99), orDash(m.Latency.P999),
		m.CPUPerOp, m.SystemPerOp, c.CPUMin, c.LaterPerOp, c.RSS>>20, m.ServerBusy*100, m.ClientBusy*100, opsRatio, cpuRatio)
}

// againstTitles are the titles of the columns for the second reference, when there is one.
func (r CompareReport) againstTitles(second int) string {
	if second == 0 {
		return ""
	}
	return fmt.Sprintf("ops/s to %[1]s\tCPU to %[1]s\t", r.Against)
}

// againstColumns are a server's ratios to the second reference.
func againstColumns(server, second int, c CellReport) string {
	switch {
	case second == 0:
		return ""
	case server < second:
		return "-\t-\t"
	case server == second:
		return "1\t1\t"
	}
	return c.ThroughputAgainst.String() + "\t" + c.CPUAgainst.String() + "\t"
}

// String prints "1.62x (1.58-1.66)": median and quartiles.
func (r Ratio) String() string {
	return fmt.Sprintf("%.2fx (%.2f-%.2f)", r.Median, r.Low, r.High)
}

// orDash prints a latency that a driver may not know.
func orDash(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return millis(d)
}
