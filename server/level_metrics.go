package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rondokv/rondo/cluster"
)

// levelDescs are the metrics by level, with the labels kind (read, write) and level.
type levelDescs struct {
	latency, unavailable, timeouts, overloaded *prometheus.Desc
}

func newLevelDescs() levelDescs {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("rondo_operation"+name, help, []string{"kind", "level"}, nil)
	}
	return levelDescs{
		latency: desc("_latency_seconds", "How long clients waited for an operation on keys inside the server, by kind and consistency level; "+
			"those of a pipeline wait for their chunk."),
		unavailable: desc("s_unavailable_total", "Operations refused because too few replicas were reachable; nothing was stored."),
		timeouts:    desc("s_timeout_total", "Operations of unknown outcome."),
		overloaded:  desc("s_overloaded_total", "Operations refused because a queue was full; nothing was stored."),
	}
}

func (d *levelDescs) describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{d.latency, d.unavailable, d.timeouts, d.overloaded} {
		ch <- desc
	}
}

// collect shows the levels that were asked for.
func (d *levelDescs) collect(c *levelCounters, ch chan<- prometheus.Metric) {
	c.each(func(kind string, level cluster.Level, l *levelStats) {
		var f familyLatency
		f.addBuckets(&l.latency, &l.waited)
		ch <- f.metric(d.latency, kind, level.String())
		for _, m := range []struct {
			desc *prometheus.Desc
			n    int64
		}{{d.unavailable, l.unavailable.Load()}, {d.timeouts, l.timeouts.Load()}, {d.overloaded, l.overloaded.Load()}} {
			ch <- prometheus.MustNewConstMetric(m.desc, prometheus.CounterValue, float64(m.n), kind, level.String())
		}
	})
}
