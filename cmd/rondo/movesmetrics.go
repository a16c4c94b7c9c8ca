package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rondokv/rondo/server"
)

// movesFigure is one of the figures of the ring and of how far this node is with what moves.
type movesFigure struct {
	name, help string
	value      float64
}

// movesFigures are the same for /metrics and INFO.
func (m *membership) movesFigures() []movesFigure {
	c, moves := m.chart.Load(), m.core.Load().Moves()
	return []movesFigure{
		{"ring_stage", "Stage of the ring: 0 stable, 1 copying, 2 reading.", float64(c.doc.Stage)},
		{"ring_moving_partitions", "Partitions whose nodes change.", float64(len(c.doc.Moving))},
		{"moves_partitions_done", "Partitions that this node has copied or cleared in this epoch.", float64(moves.Done)},
		{"moves_partitions_left", "Partitions that this node has still to copy or to clear.", float64(moves.Left)},
		{"moves_bytes_done", "Bytes that this node has copied or cleared in this epoch.", float64(moves.BytesDone)},
		{"moves_bytes_left", "Bytes that this node has still to copy or to clear, estimated.", float64(moves.BytesLeft)},
		{"moves_bytes_per_second", "Bytes a second that this node copies or clears, lately.", moves.Rate},
		{"moves_eta_seconds", "How long the rest takes at that rate; -1: not known.", etaSeconds(moves)},
	}
}

// movesInfo is INFO's part of them.
func (m *membership) movesInfo() (lines []server.Figure) {
	lines = append(lines, server.Figure{Name: "ring_stage_name", Value: m.chart.Load().doc.Stage.String()})
	for _, f := range m.movesFigures() {
		lines = append(lines, server.Figure{Name: f.name, Value: strconv.FormatFloat(f.value, 'f', -1, 64)})
	}
	return lines
}

// movesCollector gives them to /metrics.
type movesCollector struct{ m *membership }

// Describe implements prometheus.Collector.
func (c movesCollector) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, to) }

// Collect implements prometheus.Collector.
func (c movesCollector) Collect(to chan<- prometheus.Metric) {
	for _, f := range c.m.movesFigures() {
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc("rondo_"+f.name, f.help, nil, nil), prometheus.GaugeValue, f.value)
	}
}
