package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// ClusterReport is the outcome of MeasureCluster.
type ClusterReport struct {
	Machine  string          `json:"machine"`
	Setup    string          `json:"setup"`
	Systems  []SystemReport  `json:"systems"`
	OneSlot  []OneSlotReport `json:"one_slot,omitempty"`
	Profiles []ProfileReport `json:"profiles,omitempty"`
}

// SystemReport is what one system did.
type SystemReport struct {
	Name    string              `json:"name"`
	Version string              `json:"version"`
	Cells   []ClusterCellReport `json:"cells"`
	Voided  int                 `json:"voided"` // turns that were had again because of error replies
	// CPU of the system outside of its turns: what it put off, and what it does when nobody asks.
	BetweenSeconds float64 `json:"between_cpu_seconds"`
	BetweenPerSet  float64 `json:"between_us_per_set"`
}

// ClusterCellReport is one system's samples of one cell.
type ClusterCellReport struct {
	ClusterCell
	Samples []Sample `json:"samples"` // by round
	Median  Sample   `json:"median"`  // each figure by itself
	CPU     Ratio    `json:"cpu"`     // quartiles of CPUPerOp over the rounds
	// CPUPerOp against other systems in the same round; zero where they were not measured.
	ToRedis   Ratio `json:"cpu_to_redis,omitzero"`
	ToAgainst Ratio `json:"cpu_to_against,omitzero"`
}

// OneSlotReport is a run of redis-benchmark --cluster, which takes one key tag a node: all its load is on one slot of each.
type OneSlotReport struct {
	Cell
	Sample Sample `json:"sample"`
}

// aim is what an operation of a cluster of three should cost, in microseconds of CPU of all nodes, at P=1 and P=16.
type aim struct {
	level   string
	command Command
	us      map[int]float64
}

var aims = [...]aim{
	{"QUORUM", Set, map[int]float64{1: 40, 16: 25}},
	{"QUORUM", Get, map[int]float64{1: 40, 16: 24}},
}

// elsewhere are figures of other systems that were not taken in this run.
const elsewhere = `Taken elsewhere, on a machine like this one (P=1, P=16; CPU us an operation of all processes):
  Dynomite, 3 racks over Redis with AOF, DC_QUORUM   SET 59, 38   GET 60, 36
  Redis primary with two async replicas and AOF      SET 13, 8    (so Dynomite's SET is 4.5x, 4.8x of it, and the aim 3.1x)
`

const clusterLegend = `Medians over the rounds, of CPU the quartiles as well. CPU = microseconds of user and system time of all processes
of a system together per operation (sys: the kernel's part; r+w: their calls to read or write). cores: how many they kept busy, cli: the load
generator. Latencies in ms. Ratios are within a round: the machine may be slower at one time than at another by half, for all alike, so
what was taken elsewhere, and the aims, compare by their ratio to Redis there better than by microseconds.
`

func newClusterReport(o ClusterOptions, loads []*clusterLoad) ClusterReport {
	r := ClusterReport{
		Machine: machine(),
		Setup: fmt.Sprintf("%d nodes, %d copies; %d connections over all slots, %d-byte values, %d keys; %d rounds of %s a cell; %s client",
			o.Nodes, min(o.Nodes, 3), o.Clients, o.ValueSize, o.Keys, o.Rounds, o.Duration, o.Driver),
	}
	for _, l := range loads {
		s := SystemReport{Name: l.system.name, Version: l.system.version, Cells: l.cells, Voided: l.voided, BetweenSeconds: l.idle.Seconds()}
		s.BetweenPerSet = perOp(l.idle, l.writes)
		for i := range s.Cells {
			s.Cells[i].finish()
		}
		r.Systems = append(r.Systems, s)
	}
	r.compare()
	return r
}

// finish sets the medians. REQUIRES: a sample a round.
func (c *ClusterCellReport) finish() {
	c.Median = medianSample(c.Samples)
	v := figures(c.Samples, cpuPerOp)
	c.CPU = Ratio{Low: quantile(v, 0.25), Median: quantile(v, 0.5), High: quantile(v, 0.75)}
}

// compare puts every rondo in ratio to Redis, and the last one to the other, round by round, where they were measured.
func (r *ClusterReport) compare() {
	for i := range r.Systems {
		for j := range r.Systems[i].Cells {
			c := &r.Systems[i].Cells[j]
			if other := r.samples(redisName, c.ClusterCell); other != nil && r.Systems[i].Name != redisName {
				c.ToRedis = ratio(c.Samples, other, cpuPerOp)
			}
			if other := r.samples(againstName, c.ClusterCell); other != nil && r.Systems[i].Name == rondoName {
				c.ToAgainst = ratio(c.Samples, other, cpuPerOp)
			}
		}
	}
}

// samples are those of a system in a cell, nil when there are none.
func (r *ClusterReport) samples(name string, cell ClusterCell) []Sample {
	for _, s := range r.Systems {
		for _, c := range s.Cells {
			if s.Name == name && c.ClusterCell == cell {
				return c.Samples
			}
		}
	}
	return nil
}

// Write prints the table, the aims and what is known of others.
func (r ClusterReport) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", r.Machine, r.Setup)
	for _, s := range r.Systems {
		fmt.Fprintf(&b, "%s: version %s\n", s.Name, orDefault(s.Version, "unknown"))
	}
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "level\tcell\tsystem\tCPU us\tquartiles\tsys\tr+w\taim\tops/s\tp50\tp99\tp99.9\tcores\tcli\tCPU to redis\tto against\t")
	for _, row := range r.rows() {
		row.write(tw)
	}
	_ = tw.Flush() // into a strings.Builder, which cannot fail
	b.WriteString(clusterLegend)
	for _, s := range r.Systems {
		fmt.Fprintf(&b, "%s between its turns (put off or idle, not in the table): %.1f s of CPU, %.2f us a SET; turns had again: %d\n",
			s.Name, s.BetweenSeconds, s.BetweenPerSet, s.Voided)
	}
	b.WriteString(elsewhere)
	writeOneSlot(&b, r.OneSlot)
	for _, p := range r.Profiles {
		p.write(&b)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("bench: write report: %w", err)
	}
	return nil
}

func writeOneSlot(b *strings.Builder, all []OneSlotReport) {
	if len(all) == 0 {
		return
	}
	b.WriteString("redis-benchmark --cluster, one slot a node: not the cluster's figure\n")
	for _, c := range all {
		s := c.Sample
		fmt.Fprintf(b, "  %s P=%-2d  %7.0f ops/s  p50 %s  p99 %s ms  CPU us %.2f\n",
			strings.ToUpper(string(c.Command)), c.Pipeline, s.Throughput, millis(s.Latency.P50), millis(s.Latency.P99), s.CPUPerOp)
	}
}

// clusterRow is a line of the table.
type clusterRow struct {
	system, level string
	cell          ClusterCellReport
}

// rows are the lines of the table: cell by cell, the systems below each other.
func (r ClusterReport) rows() []clusterRow {
	var rows []clusterRow
	for _, c := range r.Systems[len(r.Systems)-1].Cells { // it has all cells
		for _, s := range r.Systems {
			for _, own := range s.Cells {
				if own.ClusterCell != c.ClusterCell {
					continue
				}
				level := own.Level
				if s.Name == redisName {
					level = "async"
				}
				rows = append(rows, clusterRow{s.Name, level, own})
			}
		}
	}
	return rows
}

func (row clusterRow) write(w io.Writer) {
	c, m := row.cell, row.cell.Median
	fmt.Fprintf(w, "%s\t%s P=%d\t%s\t%.2f\t%.2f-%.2f\t%.2f\t%.2f\t%s\t%.0f\t%s\t%s\t%s\t%.2f\t%.2f\t%s\t%s\t\n",
		row.level, strings.ToUpper(string(c.Command)), c.Pipeline, row.system, c.CPU.Median, c.CPU.Low, c.CPU.High, m.SystemPerOp, m.CallsPerOp,
		aimOf(row.system, c.ClusterCell), m.Throughput, millis(m.Latency.P50), millis(m.Latency.P99), millis(m.Latency.P999),
		m.ServerBusy, m.ClientBusy, ratioOrNothing(c.ToRedis), ratioOrNothing(c.ToAgainst))
}

func ratioOrNothing(r Ratio) string {
	if r.Median == 0 {
		return ""
	}
	return r.String()
}

// aimOf is the aim of a cell, empty where there is none.
func aimOf(system string, c ClusterCell) string {
	if system == redisName {
		return ""
	}
	for _, a := range aims {
		if us, ok := a.us[c.Pipeline]; ok && a.command == c.Command && strings.EqualFold(a.level, c.Level) {
			return fmt.Sprintf("%.0f", us)
		}
	}
	return ""
}
