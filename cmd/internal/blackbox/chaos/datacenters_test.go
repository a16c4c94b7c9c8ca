//go:build blackbox

package chaos

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

const (
	dcNodes = 3                     // of each datacenter, and copies there
	oneWay  = 30 * time.Millisecond // between them
	// localWithin is what an operation may take for most of its kind that has no need of the other datacenter: less than the way
	// there and back.
	localWithin = oneWay
	// convergeWithin is how long what was written in one datacenter may take to show in the other once they hear each other.
	convergeWithin = 60 * time.Second
)

// dcs are two datacenters of a cluster.
type dcs struct {
	*cluster
	names []string
	of    [][]*node
	far   []func() // ends of the delays between them
	table strings.Builder
}

// TestDatacenters has two datacenters 60 ms apart, which lose each other for a while.
func TestDatacenters(t *testing.T) {
	if os.Getenv(apartVariable) == "" {
		if os.Getenv("REQUIRE_TOOLS") == "1" {
			t.Fatal("network namespaces are needed and REQUIRE_TOOLS=1")
		}
		t.Skip("SKIPPED: datacenters need network namespaces: root, ip, nsenter")
	}
	d := &dcs{names: []string{"east", "west"}}
	replicas := fmt.Sprintf("east=%d,west=%d", dcNodes, dcNodes)
	d.cluster = startClusterOf(t, 2*dcNodes, func(i int) []string { return []string{"--dc", d.names[i/dcNodes], "--replicas-by-dc", replicas} })
	d.of = [][]*node{d.nodes[:dcNodes], d.nodes[dcNodes:]}
	defer func() { t.Logf("two datacenters, %v there and back\n%s", 2*oneWay, d.table.String()) }()
	fmt.Fprintf(&d.table, "%-46s %6s %9s %9s %9s %7s %7s %7s\n", "", "calls", "p50", "p90", "longest", "ok", "UNAVAIL", "TIMEOUT")
	d.delay()
	d.await(d.nodes[0], "AT EACH_QUORUM SET dcs:ready 1", readyWithin)
	d.levels()
	d.apart()
}

// delay puts relays into all links between the datacenters.
func (d *dcs) delay() {
	slow := Slowness{Delay: oneWay, Rate: 64 << 20}
	for side, nodes := range d.of {
		for _, to := range nodes {
			d.far = append(d.far, d.net.slow(d.of[1-side], to, slow))
		}
	}
}

// levels measures what each level costs while all is well. At the local levels nothing leaves the datacenter, wherever the key's primary is;
// at the others a write whose primary is in the other one pays the way there and back once more.
func (d *dcs) levels() {
	calls := harness.Number(d.t, "DCS_CALLS", 200, 15)
	for side := range d.of {
		here, there := d.keys(side, calls)
		for _, level := range []string{"LOCAL_ONE", "LOCAL_QUORUM", "QUORUM", "EACH_QUORUM"} {
			near := strings.HasPrefix(level, "LOCAL_")
			d.expect(near, d.measure("primary here", side, level, "SET", here))
			d.expect(near, d.measure("primary there", side, level, "SET", there))
			d.expect(near, d.measure("together", side, level, "GET", here))
			d.expect(near, d.measure("together", side, level, "GET", there))
		}
	}
}

// expect fails for calls that failed, that went to the other datacenter although they are near ones, or that cannot have been there.
func (d *dcs) expect(near bool, m measured) {
	if m.ends[OK] != len(m.took) {
		d.t.Errorf("%s: %v", m.name, m.ends)
	}
	if took := m.part(0.9); near && took > localWithin {
		d.t.Errorf("%s took %v: it did not stay in its datacenter", m.name, took)
	}
	if took := m.part(0.5); !near && took < 2*oneWay {
		d.t.Errorf("%s took %v: it cannot have asked the other datacenter", m.name, took)
	}
}

// keys finds so many whose primary is in a datacenter, and so many whose is not.
func (d *dcs) keys(side, count int) (here, there []string) {
	first := regexp.MustCompile(`address\r\n\$[0-9]+\r\n([^\r]+)\r\n`)
	c := harness.Dial(d.t, d.of[side][0].forward)
	for i := 0; len(here) < count || len(there) < count; i++ {
		key := fmt.Sprintf("dcs:%s:%d", d.names[side], i)
		found := first.FindStringSubmatch(c.Do("KEYINFO", key))
		switch {
		case found == nil:
			d.t.Fatalf("KEYINFO %s names no home replica", key)
		case slices.ContainsFunc(d.of[side], func(n *node) bool { return n.listen == found[1] }):
			here = append(here, key)
		default:
			there = append(there, key)
		}
	}
	return here[:count], there[:count]
}

// apart cuts the datacenters off from each other and lets them find together again.
func (d *dcs) apart() {
	d.sever()
	<-time.After(noticed)
	for side, nodes := range d.of {
		for _, n := range nodes {
			d.await(n, "AT LOCAL_QUORUM SET dcs:ready 2", readyWithin)
		}
		for _, op := range []string{"SET", "GET"} {
			const some = 20
			if m := d.measure("cut off", side, "LOCAL_QUORUM", op, numbered(d.names[side], 5*some)); m.ends[OK] != len(m.took) {
				d.t.Errorf("%s: %v", m.name, m.ends)
			}
			for _, level := range []string{"QUORUM", "EACH_QUORUM"} {
				if m := d.measure("cut off", side, level, op, numbered(d.names[side], some)); m.ends[Refused] != some {
					d.t.Errorf("%s: %v", m.name, m.ends)
				}
			}
		}
	}
	written := d.write()
	began := time.Now()
	d.join()
	d.converge(written, began)
}

func (d *dcs) sever() {
	for _, end := range d.far {
		end()
	}
	d.far = nil
	d.between(d.net.cut)
}

func (d *dcs) join() {
	d.between(d.net.mend)
	d.delay()
}

func (d *dcs) between(do func(from, to int)) {
	for _, a := range d.of[0] {
		for _, b := range d.of[1] {
			do(a.number-1, b.number-1)
			do(b.number-1, a.number-1)
		}
	}
}

// write has each datacenter write keys of its own, and both the same ones. It returns what each key may show.
func (d *dcs) write() map[string][]string {
	const keys = 50
	written := map[string][]string{}
	for side, nodes := range d.of {
		k := newClient(nodes[1])
		for i := range keys {
			value := fmt.Sprintf("%s-%d", d.names[side], i)
			for _, key := range []string{"dcs:" + value, fmt.Sprintf("dcs:both:%d", i)} {
				reply, end := k.do(AnswerWithin, "AT", "LOCAL_QUORUM", "SET", key, value)
				if end != OK {
					d.t.Errorf("SET %s in %s, which is cut off: %s %q", key, d.names[side], end, reply)
					continue
				}
				written[key] = append(written[key], value)
				if reply, end := k.do(AnswerWithin, "AT", "LOCAL_QUORUM", "GET", key); end != OK || !shows(reply, value) {
					d.t.Errorf("GET %s in %s after it was acknowledged: %s %q", key, d.names[side], end, reply)
				}
			}
		}
		_ = k.Close() // nothing is under way
	}
	return written
}

// converge waits until all nodes show the same of each key, and that is something that was acknowledged.
func (d *dcs) converge(written map[string][]string, began time.Time) {
	clients := make([]*client, len(d.nodes))
	for i, n := range d.nodes {
		clients[i] = newClient(n)
	}
	defer closeAll(clients)
	for _, level := range []string{"LOCAL_ONE", "LOCAL_QUORUM"} {
		for key, values := range written {
			for {
				seen, wrong := d.agreed(clients, level, key, values)
				if wrong == "" {
					break
				}
				if time.Since(began) > convergeWithin {
					d.t.Errorf("%v after the cut was mended %s shows at %s: %q; %s", time.Since(began).Round(time.Second), key, level, seen, wrong)
					return
				}
				<-time.After(100 * time.Millisecond)
			}
		}
		fmt.Fprintf(&d.table, "%d keys that were written apart are the same on all nodes at %s %v after the cut was mended\n", len(written), level, time.Since(began).Round(time.Millisecond))
	}
}

// agreed reads a key from every node and says what is wrong with that.
func (d *dcs) agreed(clients []*client, level, key string, values []string) (seen []string, wrong string) {
	for _, k := range clients {
		reply, end := k.do(AnswerWithin, "AT", level, "GET", key)
		if end != OK {
			return seen, fmt.Sprintf("node %d: %s %q", k.node.number, end, reply)
		}
		_, text, _ := strings.Cut(strings.TrimSuffix(string(reply), "\r\n"), "\r\n")
		seen = append(seen, text)
	}
	if len(slices.Compact(slices.Clone(seen))) > 1 {
		return seen, "the nodes differ"
	}
	if !slices.Contains(values, seen[0]) {
		return seen, fmt.Sprintf("acknowledged were %q", values)
	}
	return seen, ""
}

// numbered are keys that are spread over the ring.
func numbered(name string, count int) (keys []string) {
	for i := range count {
		keys = append(keys, fmt.Sprintf("dcs:%s:%d", name, i))
	}
	return keys
}

// measured is how some calls went.
type measured struct {
	name string
	took []time.Duration // in order of length
	ends [outcomes]int
}

// part is the time within which a part of the calls ended.
func (m *measured) part(p float64) time.Duration {
	return m.took[min(int(p*float64(len(m.took))), len(m.took)-1)]
}

// measure makes a call for each key from a datacenter and adds a line to the table.
func (d *dcs) measure(when string, side int, level, op string, keys []string) measured {
	m := measured{name: fmt.Sprintf("%s at %s from %s, %s", op, level, d.names[side], when)}
	k := newClient(d.of[side][0])
	defer func() { _ = k.Close() }() // nothing is under way
	for i, key := range keys {
		args := []string{"AT", level, op, key}
		if op == "SET" {
			args = append(args, strconv.Itoa(i))
		}
		began := time.Now()
		_, end := k.do(AnswerWithin, args...)
		m.took = append(m.took, time.Since(began))
		m.ends[end]++
	}
	slices.Sort(m.took)
	ms := func(t time.Duration) string { return fmt.Sprintf("%.1fms", float64(t.Microseconds())/1000) }
	fmt.Fprintf(&d.table, "%-46s %6d %9s %9s %9s %7d %7d %7d\n", m.name, len(keys), ms(m.part(0.5)), ms(m.part(0.9)), ms(m.part(1)),
		m.ends[OK], m.ends[Refused], m.ends[Timeout])
	return m
}
