package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/server"
)

// membersCollector gives the figures of members and links to /metrics.
type membersCollector struct {
	m                                                           *membership
	members, up, latency, queued, sent, received, dropped, lost *prometheus.Desc
	connects, failures, refused, drifted, ahead                 *prometheus.Desc
	hintBytes, apart                                            *prometheus.Desc
}

// coreFigure is one of the core's counters, for /metrics and for INFO.
type coreFigure struct {
	name  string
	desc  *prometheus.Desc
	value uint64
}

// coreFigures are what the core has counted.
func coreFigures(n *cluster.Node) []coreFigure {
	s, load := n.Stats(), n.Overload()
	figure := func(name, help string, value uint64) coreFigure {
		return coreFigure{name, prometheus.NewDesc("rondo_core_"+name+"_total", help, nil, nil), value}
	}
	return []coreFigure{
		figure("operations", "Operations begun on this node, those that peers passed on among them.", s.Operations),
		figure("passed", "Operations handed to the node where they belong.", s.Passed),
		figure("unavailable", "Operations refused because too few home replicas were reachable: nothing was stored.", s.Unavailable),
		figure("timeouts", "Operations whose outcome was not known by their deadline.", s.Timeouts),
		figure("lost", "Operations of those timeouts that ended before their deadline: too many replicas had failed or refused.", s.Lost),
		figure("overloaded", "Operations refused because too much was under way.", s.Overloaded),
		figure("crowded", "Operations refused because too much waits for nodes that they need: nothing was stored.", load.Crowded),
		figure("expired_requests", "Requests of other nodes that came when nobody waited for them any more.", load.Expired),
		figure("reissues", "Writes stamped again above what hid them.", s.Reissues),
		figure("differing", "Reads that found replicas apart.", s.Differing),
		figure("write_backs", "Answers that waited until a quorum held what they show.", s.WriteBacks),
		figure("speculations", "Reads that asked more replicas because one was late.", s.Speculations),
		figure("speculations_over_budget", "Reads that did not, for the budget was spent.", s.OverBudget),
		figure("read_repairs", "Stale replicas that were sent rows.", s.Repairs),
		figure("conflicts", "Concurrent writes that a merge let go of.", s.Conflicts),
		figure("hints_stored", "Rows taken to keep for other nodes.", s.HintsStored),
		figure("hints_lost", "Rows that could not be kept for other nodes.", s.HintsLost),
		figure("hints_replayed", "Hints that came home.", s.HintsReplayed),
		figure("hints_dropped", "Rows not kept for other nodes: past hints.window or hints.max-bytes.", s.HintsDropped),
		figure("hints_refused", "Writes refused at hints.max-bytes, for they count on a hint.", s.HintsRefused),
		figure("refused", "Requests of peers that were refused: drift, epoch, not a home replica, unreadable.", s.Refused),
		figure("fenced", "Requests of peers of an epoch that the partition's stage does not allow.", s.Fenced),
		figure("moved_in_rows", "Rows copied from the nodes that held a partition before.", s.MovedIn),
		figure("moved_out_rows", "Rows that other nodes copied, or that were handed over to them.", s.MovedOut),
		figure("moved_in_bytes", "Bytes of rows copied from the nodes that held a partition before.", s.MovedBytesIn),
		figure("moved_out_bytes", "Bytes of rows that other nodes copied, or that were handed over to them.", s.MovedBytesOut),
		figure("corrupt", "Rows that could not be merged or read.", s.Corrupt),
	}
}

// replicationInfo are the core's counters for INFO.
func replicationInfo(n *cluster.Node) []server.Figure {
	var lines []server.Figure
	for _, f := range coreFigures(n) {
		lines = append(lines, server.Figure{Name: f.name, Value: strconv.FormatUint(f.value, 10)})
	}
	hints := int64(0)
	for _, bytes := range n.HintBytes() {
		hints += bytes
	}
	return append(lines,
		server.Figure{Name: "hint_bytes", Value: strconv.FormatInt(hints, 10)},
		server.Figure{Name: "partitions_apart", Value: strconv.FormatUint(n.Stats().Apart, 10)})
}

func newMembersCollector(m *membership) *membersCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("rondo_"+name, help, labels, nil)
	}
	return &membersCollector{
		m:         m,
		members:   desc("gossip_members", "Members of the ring by what this node makes of them.", "state"),
		up:        desc("link_up", "1 while the link to a node works in both directions.", "node"),
		latency:   desc("link_latency_seconds", "Round trip of pings over the link, averaged.", "node"),
		queued:    desc("link_queued_bytes", "Bytes that wait to be written to a node.", "node"),
		sent:      desc("link_sent_messages_total", "Messages taken for writing to a node.", "node"),
		received:  desc("link_received_messages_total", "Messages of a node.", "node"),
		dropped:   desc("link_dropped_messages_total", "Messages to a node that were dropped before they were written.", "node", "reason"),
		lost:      desc("link_lost_messages_total", "Messages that waited or were being written when a connection broke.", "node"),
		connects:  desc("link_connects_total", "Connections made to a node.", "node"),
		failures:  desc("link_failures_total", "Connections to a node that failed or broke.", "node"),
		drifted:   desc("clock_refused_messages_total", "Messages of a node that were refused because its clock is too far ahead.", "node"),
		ahead:     desc("clock_refused_ahead_seconds", "How far ahead the clock was in the last message of a node that was refused.", "node"),
		hintBytes: desc("hint_bytes", "Bytes of hints kept for a node, keys and rows.", "node"),
		apart:     desc("partitions_apart", "Partitions with a home replica that lacks rows of which this node keeps no hint."),
		refused:   desc("peer_refused_total", "Connections of peers that were refused.", "reason"),
	}
}

// Describe implements prometheus.Collector.
func (c *membersCollector) Describe(out chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(c, out)
}

// Collect implements prometheus.Collector.
func (c *membersCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	states := map[string]int{}
	v := c.m.gossip.View()
	members := c.m.chart.Load().doc.Members
	for _, d := range members {
		state := "unknown"
		if known, ok := v.Get(object.NodeID(d.ID)); ok {
			state = known.State.String()
		}
		states[state]++
	}
	for _, state := range []string{gossip.Alive.String(), gossip.Suspect.String(), gossip.Dead.String(), gossip.Left.String(), "unknown"} {
		gauge(c.members, float64(states[state]), state)
	}
	links := c.m.links.Load()
	for _, s := range links.Stats() {
		id := hexID(s.ID)
		gauge(c.up, float64(b2i(s.Up)), id)
		gauge(c.latency, s.Latency.Seconds(), id)
		gauge(c.queued, float64(s.Queued), id)
		count(c.sent, s.Sent, id)
		count(c.received, s.Received, id)
		count(c.dropped, s.DroppedNoLink, id, "no-link")
		count(c.dropped, s.DroppedFull, id, "full")
		count(c.dropped, s.DroppedLong, id, "too-long")
		count(c.dropped, s.Expired, id, "expired")
		count(c.lost, s.Lost, id)
		count(c.connects, s.Connects, id)
		count(c.failures, s.Failures, id)
	}
	for _, f := range coreFigures(c.m.core.Load()) {
		count(f.desc, f.value)
	}
	core := c.m.core.Load()
	drifts, hints := core.Drifts(), core.HintBytes()
	gauge(c.apart, float64(core.Stats().Apart))
	for _, d := range members {
		if id := object.NodeID(d.ID); id != c.m.self {
			count(c.drifted, drifts[id].Messages, hexID(id))
			gauge(c.hintBytes, float64(hints[id]), hexID(id))
			gauge(c.ahead, drifts[id].Ahead.Seconds(), hexID(id))
		}
	}
	for why, n := range links.Refused() {
		count(c.refused, n, why.String())
	}
}
