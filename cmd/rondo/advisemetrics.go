package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// adviceCollector gives what would be advised to /metrics, for autoscalers.
type adviceCollector struct {
	n                         *node
	wanted, headroom, members *prometheus.Desc
}

func newAdviceCollector(n *node) *adviceCollector {
	return &adviceCollector{
		n:       n,
		wanted:  prometheus.NewDesc("rondo_capacity_nodes_wanted", "Nodes that the ring should have, as this node would advise.", nil, nil),
		members: prometheus.NewDesc("rondo_capacity_nodes", "Nodes that the ring has, but for those that leave.", nil, nil),
		headroom: prometheus.NewDesc("rondo_capacity_headroom_ratio",
			"What the loss of a node or rack that would hurt most leaves of the fullest disk's room, or of the busiest processors; below 0 it does not fit.",
			[]string{"resource"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *adviceCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.wanted, c.members, c.headroom} {
		out <- d
	}
}

// Collect implements prometheus.Collector. What is not known is left out.
func (c *adviceCollector) Collect(out chan<- prometheus.Metric) {
	p := c.n.adviser.page(context.Background(), c.n)
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	members := 0
	for i := range p.Facts.Members {
		members += b2i(!p.Facts.Members[i].Leaving)
	}
	if members == 0 {
		return
	}
	gauge(c.wanted, float64(p.Advice.Wanted))
	gauge(c.members, float64(members))
	for resource, left := range map[string]*float64{"disk": p.Advice.DiskHeadroom, "cpu": p.Advice.CPUHeadroom} {
		if left != nil {
			gauge(c.headroom, *left, resource)
		}
	}
}
