package bench

import (
	"fmt"
	"slices"
	"time"
)

// CompareReport is the outcome of Compare. Servers[0] is the reference.
type CompareReport struct {
	Machine string         `json:"machine"`
	Setup   string         `json:"setup"`
	Servers []ServerReport `json:"servers"`
	Against string         `json:"against,omitempty"` // the second reference, by name
}

// ServerReport is what one server did in every cell.
type ServerReport struct {
	Name    string       `json:"name"`
	Version string       `json:"version"`
	Cells   []CellReport `json:"cells"`
}

// CellReport is one server's samples of one cell. Medians and ratios are set
// when all rounds are done.
type CellReport struct {
	Cell
	Samples    []Sample `json:"samples"`         // by round
	LaterPerOp float64  `json:"later_us_per_op"` // CPU of work put off until after the cell, us an operation
	RSS        int64    `json:"rss_bytes"`       // VmRSS after the cell
	Median     Sample   `json:"median"`          // each figure by itself, so they need not be of one round
	CPUMin     float64  `json:"cpu_us_per_op_min"`

	// Against the reference's turn of the same round.
	ThroughputRatio Ratio `json:"throughput_ratio"`
	CPURatio        Ratio `json:"cpu_ratio"`

	// Against the second reference's turn of the same round; zero for it and the servers before it.
	ThroughputAgainst Ratio `json:"throughput_against,omitzero"`
	CPUAgainst        Ratio `json:"cpu_against,omitzero"`
}

// Ratio is the distribution over the rounds of a server's figure divided by
// the reference's. All are 1 for the reference.
type Ratio struct {
	Low    float64 `json:"low"` // first quartile
	Median float64 `json:"median"`
	High   float64 `json:"high"` // third quartile
}

// Sample is one server's turn in one round of one cell.
type Sample struct {
	Operations int64         `json:"operations"`
	Elapsed    time.Duration `json:"elapsed_ns"`
	Throughput float64       `json:"throughput"` // operations/s
	Latency    Latency       `json:"latency"`

	CPUPerOp    float64 `json:"cpu_us_per_op"`         // of the server process, all threads
	SystemPerOp float64 `json:"system_us_per_op"`      // the kernel's part of it
	CallsPerOp  float64 `json:"calls_per_op,omitzero"` // of the kinds of read and write, of all processes; of a cluster only
	ServerBusy  float64 `json:"server_busy"`           // cores
	ClientBusy  float64 `json:"client_busy"`           // cores; near 1 = the client limits the throughput
}

func newCompareReport(o CompareOptions) CompareReport {
	r := CompareReport{Machine: machine(), Setup: setup(o), Servers: make([]ServerReport, len(o.Servers)), Against: o.Against}
	for i, s := range o.Servers {
		r.Servers[i].Name = s.Name
		for _, c := range o.Cells {
			r.Servers[i].Cells = append(r.Servers[i].Cells, CellReport{Cell: c})
		}
	}
	return r
}

func setup(o CompareOptions) string {
	amount := o.Duration.String() + " turns"
	if o.Requests > 0 {
		amount = fmt.Sprintf("%d requests a turn (%d pipelined)", o.Requests, o.Requests*pipelinedMore)
	}
	cores := "not pinned"
	if o.ServerCore >= 0 && o.ClientCore >= 0 {
		cores = fmt.Sprintf("server on core %d, %s client on core %d", o.ServerCore, o.Driver, o.ClientCore)
	}
	return fmt.Sprintf("%d rounds, %s, %d connections, %d-byte values, %d keys; %s",
		o.Rounds, amount, o.Clients, o.ValueSize, o.Keys, cores)
}

// finish sets medians and ratios. REQUIRES: every cell has a sample a round.
func (r *CompareReport) finish() {
	second := r.secondReference()
	for i := range r.Servers {
		for j := range r.Servers[i].Cells {
			c, ref := &r.Servers[i].Cells[j], r.Servers[0].Cells[j].Samples
			c.Median = medianSample(c.Samples)
			c.CPUMin = quantile(figures(c.Samples, cpuPerOp), 0)
			c.ThroughputRatio = ratio(c.Samples, ref, throughput)
			c.CPURatio = ratio(c.Samples, ref, cpuPerOp)
			if second > 0 && i > second {
				ref := r.Servers[second].Cells[j].Samples
				c.ThroughputAgainst = ratio(c.Samples, ref, throughput)
				c.CPUAgainst = ratio(c.Samples, ref, cpuPerOp)
			}
		}
	}
}

// secondReference is the index of the server that those after it are put in ratio to, besides the first; 0 for none, or when
// it is the first itself.
func (r *CompareReport) secondReference() int {
	return max(0, slices.IndexFunc(r.Servers, func(s ServerReport) bool { return s.Name == r.Against }))
}

func cpuPerOp(s Sample) float64   { return s.CPUPerOp }
func throughput(s Sample) float64 { return s.Throughput }

// figures takes one figure out of each sample.
func figures(samples []Sample, get func(Sample) float64) []float64 {
	v := make([]float64, len(samples))
	for i, s := range samples {
		v[i] = get(s)
	}
	return v
}

// ratio divides round by round.
func ratio(of, to []Sample, get func(Sample) float64) Ratio {
	v := figures(of, get)
	for i, ref := range figures(to, get) {
		v[i] /= ref
	}
	return Ratio{Low: quantile(v, 0.25), Median: quantile(v, 0.5), High: quantile(v, 0.75)}
}

// quantile is linear between the two nearest ranks; 0 of nothing.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	at := q * float64(len(s)-1)
	i := int(at)
	if i+1 == len(s) {
		return s[i]
	}
	return s[i] + (at-float64(i))*(s[i+1]-s[i])
}

// medianSample takes the median of every figure over the rounds.
func medianSample(samples []Sample) Sample {
	of := func(get func(Sample) float64) float64 { return quantile(figures(samples, get), 0.5) }
	duration := func(get func(Sample) time.Duration) time.Duration {
		return time.Duration(of(func(s Sample) float64 { return float64(get(s)) }))
	}
	return Sample{
		Operations: int64(of(func(s Sample) float64 { return float64(s.Operations) })),
		Elapsed:    duration(func(s Sample) time.Duration { return s.Elapsed }),
		Throughput: of(throughput),
		Latency: Latency{
			Count: int64(of(func(s Sample) float64 { return float64(s.Latency.Count) })),
			Mean:  duration(func(s Sample) time.Duration { return s.Latency.Mean }),
			P50:   duration(func(s Sample) time.Duration { return s.Latency.P50 }),
			P99:   duration(func(s Sample) time.Duration { return s.Latency.P99 }),
			P999:  duration(func(s Sample) time.Duration { return s.Latency.P999 }),
			Max:   duration(func(s Sample) time.Duration { return s.Latency.Max }),
		},
		CPUPerOp:    of(cpuPerOp),
		SystemPerOp: of(func(s Sample) float64 { return s.SystemPerOp }),
		CallsPerOp:  of(func(s Sample) float64 { return s.CallsPerOp }),
		ServerBusy:  of(func(s Sample) float64 { return s.ServerBusy }),
		ClientBusy:  of(func(s Sample) float64 { return s.ClientBusy }),
	}
}
