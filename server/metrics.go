package server

import (
	"math"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rondokv/rondo/engine/object"
)

// frontMetrics shows the server's counters to Prometheus. It reads them when asked: the hot path knows nothing of it.
type frontMetrics struct {
	srv *Server

	commands, failed, rejected, seconds *prometheus.Desc
	latency                             *prometheus.Desc
	levels                              levelDescs
	plain                               []plainMetric
}

// plainMetric is one figure without labels.
type plainMetric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func() float64
}

func newMetrics(s *Server) *frontMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("rondo_"+name, help, labels, nil)
	}
	m := &frontMetrics{
		srv:      s,
		commands: desc("commands_total", "Commands that ran, by command.", "command"),
		failed:   desc("commands_failed_total", "Commands that ran and answered an error.", "command"),
		rejected: desc("commands_rejected_total", "Commands refused before they ran.", "command"),
		seconds:  desc("command_seconds_total", "Time spent on commands.", "command"),
		latency: desc("command_latency_seconds",
			"How long clients waited for a command inside the server, by family; commands of a pipeline wait for their chunk.", "family"),
	}
	m.levels = newLevelDescs()
	counter := func(name, help string, v *atomic.Int64) {
		m.plain = append(m.plain, plainMetric{desc(name, help), prometheus.CounterValue, func() float64 { return float64(v.Load()) }})
	}
	t := &s.totals
	counter("connections_received_total", "Client connections accepted.", &t.connections)
	counter("connections_rejected_total", "Client connections turned away: over maxclients, or by protected mode.", &t.rejected)
	counter("keyspace_hits_total", "Keys that reads found.", &t.hits)
	counter("keyspace_misses_total", "Keys that reads did not find.", &t.misses)
	counter("error_replies_total", "Error replies sent.", &t.errors)
	counter("tls_connections_total", "TLS handshakes of clients that were done.", &t.tls)
	counter("tls_failures_total", "TLS handshakes of clients that failed.", &t.tlsFailed)
	counter("auth_failures_total", "AUTH and HELLO with a wrong user or password.", &t.deniedAuth)
	counter("access_denied_total", "Commands refused because their user may not run them.", &t.deniedRun)
	counter("panics_total", "Commands that panicked.", &t.panics)
	counter("scattered_commands_total", "Commands split over several slots on the forward face.", &t.scattered)
	counter("split_transactions_total", "Transactions over several slots on the forward face.", &t.splitMulti)
	counter("moved_replies_total", "Commands of the cluster face answered with MOVED.", &t.moved)
	counter("moved_nudges_total", "MOVED replies that only told a client of a change in the ring.", &t.nudges)
	m.plain = append(m.plain,
		plainMetric{desc("ring_epoch", "Epoch of the ring."), prometheus.GaugeValue,
			func() float64 { return float64(s.topology().Epoch) }},
		plainMetric{desc("ring_members", "Members of the ring."), prometheus.GaugeValue,
			func() float64 { return float64(len(s.topology().Members)) }},
		plainMetric{desc("ring_members_alive", "Members of the ring that this node takes for reachable."), prometheus.GaugeValue,
			func() float64 { return float64(s.topology().alive()) }},
		plainMetric{desc("ring_slots_without_home", "Slots of which no home replica is reachable."), prometheus.GaugeValue,
			func() float64 { return float64(object.SlotCount - s.topology().served) }},
		plainMetric{desc("waiting_bytes", "Bytes of commands that wait for other nodes."), prometheus.GaugeValue,
			func() float64 { return float64(s.waiting.Load()) }},
		plainMetric{desc("connected_clients", "Client connections open."), prometheus.GaugeValue,
			func() float64 { return float64(s.sessions.count()) }},
		plainMetric{desc("net_input_bytes_total", "Bytes received from clients."), prometheus.CounterValue,
			func() float64 { in, _ := s.netBytes(); return float64(in) }},
		plainMetric{desc("net_output_bytes_total", "Bytes sent to clients."), prometheus.CounterValue,
			func() float64 { _, out := s.netBytes(); return float64(out) }},
		plainMetric{desc("uptime_seconds", "Time since the server was made."), prometheus.GaugeValue,
			func() float64 { return float64(s.nanos()) / 1e9 }},
	)
	for _, c := range []struct {
		why string
		n   *atomic.Int64
	}{{"protocol", &t.cutProtocol}, {"query-buffer", &t.cutQuery}, {"slow-command", &t.cutSlow},
		{"output-buffer", &t.cutOutput}, {"unread", &t.cutUnread}, {"idle", &t.cutIdle}} {
		m.plain = append(m.plain, plainMetric{
			prometheus.NewDesc("rondo_connections_cut_total", "Client connections closed at a limit, by which.", nil,
				prometheus.Labels{"limit": c.why}),
			prometheus.CounterValue, func() float64 { return float64(c.n.Load()) }})
	}
	return m
}

// Describe implements prometheus.Collector.
func (m *frontMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.commands, m.failed, m.rejected, m.seconds, m.latency} {
		ch <- d
	}
	m.levels.describe(ch)
	for i := range m.plain {
		ch <- m.plain[i].desc
	}
}

// Collect implements prometheus.Collector. Commands that nobody has called are left out.
func (m *frontMetrics) Collect(ch chan<- prometheus.Metric) {
	var byFamily [64]familyLatency
	for _, e := range m.srv.table.all {
		calls, rejected := e.stats.calls.Load(), e.stats.rejected.Load()
		if calls == 0 && rejected == 0 {
			continue
		}
		for _, c := range []struct {
			desc  *prometheus.Desc
			value float64
		}{{m.commands, float64(calls)}, {m.failed, float64(e.stats.failed.Load())}, {m.rejected, float64(rejected)},
			{m.seconds, float64(e.stats.nanos.Load()) / 1e9}} {
			ch <- prometheus.MustNewConstMetric(c.desc, prometheus.CounterValue, c.value, e.cmd.Name)
		}
		byFamily[e.family].add(&e.stats)
	}
	for i, name := range families() {
		if byFamily[i].count > 0 {
			ch <- byFamily[i].metric(m.latency, name)
		}
	}
	m.levels.collect(&m.srv.levels, ch)
	for i := range m.plain {
		ch <- prometheus.MustNewConstMetric(m.plain[i].desc, m.plain[i].kind, m.plain[i].value())
	}
}

// familyLatency is the latency of all commands of a family.
type familyLatency struct {
	count   uint64
	sum     float64
	buckets [latencyBuckets]uint64
}

func (f *familyLatency) add(c *commandStats) { f.addBuckets(&c.latency, &c.waited) }

func (f *familyLatency) addBuckets(latency *[latencyBuckets]atomic.Int64, waited *atomic.Int64) {
	for i := range latency {
		n := uint64(latency[i].Load())
		f.buckets[i] += n
		f.count += n
	}
	f.sum += float64(waited.Load()) / 1e9
}

// metric leaves out the buckets below a microsecond and above half a minute.
func (f *familyLatency) metric(desc *prometheus.Desc, labels ...string) prometheus.Metric {
	const first, last = 10, 35
	buckets := make(map[float64]uint64, last-first+1)
	var below uint64
	for i, n := range f.buckets {
		below += n
		if i >= first && i <= last {
			buckets[math.Ldexp(1e-9, i)] = below
		}
	}
	return prometheus.MustNewConstHistogram(desc, f.count, f.sum, buckets, labels...)
}
