//go:build blackbox

package chaos

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// metricWithin is how long a node may take to show what befell it.
const metricWithin = 15 * time.Second

// metric reads one of a node's metrics: the sum of those whose labels contain a text. NaN-free: 0 when there is none.
func (c *cluster) metric(n *node, name, label string) (sum float64) {
	client := http.Client{Timeout: 2 * time.Second}
	reply, err := client.Get("http://" + n.admin + "/metrics")
	if err != nil {
		return 0
	}
	defer func() { _ = reply.Body.Close() }() // it was read
	lines := bufio.NewScanner(reply.Body)
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), " ")
		family, labels, _ := strings.Cut(key, "{")
		if !ok || family != name || !strings.Contains(labels, label) {
			continue
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			sum += v
		}
	}
	return sum
}

// awaitMetric waits until a metric has a value.
func (c *cluster) awaitMetric(n *node, name, label string, want float64) bool {
	c.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(metricWithin); time.Now().Before(end); <-tick.C {
		if c.metric(n, name, label) == want {
			return true
		}
	}
	c.t.Errorf("node %d: %s{%s} is %v after %v, not %v", n.number, name, label, c.metric(n, name, label), metricWithin, want)
	return false
}
