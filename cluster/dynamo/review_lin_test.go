package dynamo

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/wire"
)

type histOp struct {
	kind       byte // s g a
	value      string
	begin, end int
	r          *Request
	ok, failed bool
}

func TestReviewLinProbe(t *testing.T) {
	n := 40000
	from := 0
	if s := os.Getenv("LIN"); s != "" {
		from, _ = strconv.Atoi(s)
		n = 1
	}
	bad := 0
	stats := Stats{}
	for seed := from; seed < from+n; seed++ {
		if msg := linRun(t, uint64(seed), &stats); msg != "" {
			t.Logf("seed %d: %s", seed, msg)
			if bad++; bad > 8 {
				break
			}
		}
	}
	t.Logf("%+v", stats)
	if bad > 0 {
		t.Fail()
	}
}

func linRun(t *testing.T, seed uint64, stats *Stats) string {
	rnd := rand.New(rand.NewPCG(seed, 99))
	reps := []int{3, 5}[rnd.IntN(2)]
	c := newTrial(t, reps+rnd.IntN(2), reps, Limits{RepairOneIn: 1 + rnd.IntN(6)})
	for _, p := range c.nodes {
		p.skew = Time(rnd.IntN(400)-200) * Millisecond
		p.lazy = rnd.IntN(3) == 0
	}
	var log []string
	say := func(f string, a ...any) { log = append(log, fmt.Sprintf(f, a...)) }
	// junk of a fast clock
	fq := rnd.IntN(reps-1) + 2
	ahead := Time(rnd.IntN(300)) * Millisecond
	order := rnd.Perm(reps)
	if rnd.IntN(3) == 0 {
		order = nil
	} else {
		order = order[:reps/2+1]
	}
	for _, i := range order {
		{
			c.plant(c.nodes[i], c.nodes[fq-1].id, ahead, opSet("k", "junk"))
			say("junk at %d", i+1)
		}
	}
	for _, p := range c.nodes {
		p.sync()
	}
	var hist []*histOp
	step := 0
	serial := 0
	check := func() {
		for _, h := range hist {
			if h.end == 0 && h.r.Finished && h.r.Seq == 0 {
				h.end = step
				h.ok = h.r.Err == nil
				h.failed = h.r.Err != nil
				say("%d: end %c %s -> %s %v", step, h.kind, h.value, h.r.Op.(*trialOp).reply, h.r.Err)
			}
		}
	}
	for range 150 {
		step++
		switch k := rnd.IntN(10); {
		case k < 2 && len(hist) < 14:
			node := c.nodes[rnd.IntN(len(c.nodes))]
			var o *trialOp
			h := &histOp{begin: step}
			switch rnd.IntN(3) {
			case 0:
				serial++
				h.kind, h.value = 's', fmt.Sprint("v", serial)
				o = opSet("k", h.value)
			case 1:
				serial++
				h.kind, h.value = 'a', fmt.Sprint("+", serial)
				o = opAppend("k", h.value)
			default:
				h.kind = 'g'
				o = opGet("k")
			}
			say("%d: begin %c %s at %d", step, h.kind, h.value, node.id)
			h.r = c.begin(node, o, h.kind != 'g', strict, strict)
			if h.r.Finished && h.r.Seq > 0 {
				panic("seq")
			}
			hist = append(hist, h)
		case k == 2:
			p := c.nodes[rnd.IntN(len(c.nodes))]
			p.sync()
		case k == 3:
			c.pass(rnd.IntN(20))
		default:
			for range rnd.IntN(4) {
				if len(c.mail) == 0 {
					break
				}
				i := rnd.IntN(len(c.mail))
				d := c.mail[i]
				_, pass := d.m.(*wire.Pass)
				if pass || rnd.IntN(12) > 0 {
					c.mail = append(c.mail[:i:i], c.mail[i+1:]...)
				}
				if rnd.IntN(20) == 0 {
					continue
				}
				say("%d: %d>%d %T %+v", step, d.from, d.to, d.m, d.m)
				c.node(d.to).step(func(p *Partition) { p.Receive(c.now, d.from, d.m) })
			}
		}
		check()
	}
	step++
	for _, p := range c.nodes {
		p.lazy = false
		p.sync()
	}
	for range 200 {
		c.deliver(anything)
		c.pass(10)
	}
	check()
	step++
	for _, p := range c.nodes {
		s := p.p.Stats()
		stats.Add(s)
		all := quorum.Choice{Level: quorum.Quorum}
		if p.p.self < 0 {
			continue
		}
		h := &histOp{kind: 'g', begin: step}
		h.r = c.begin(p, opGet("k"), false, all, all)
		hist = append(hist, h)
		c.deliver(anything)
		c.pass(30)
		c.deliver(anything)
		check()
		step++
	}
	fail := func(f string, a ...any) string {
		if os.Getenv("LIN") != "" {
			fmt.Println(strings.Join(log, "\n"))
		}
		return fmt.Sprintf(f, a...)
	}
	// Values are words: base (v3 or junk) then appends. Check against all acked.
	content := func(h *histOp) string { return h.r.Op.(*trialOp).reply }
	for _, g := range hist {
		if !g.ok || g.kind == 's' {
			continue
		}
		got := content(g)
		for _, w := range hist {
			if w.kind == 'g' || w == g {
				continue
			}
			has := strings.Contains(got+"+", w.value+"+")
			if has && w.begin > g.end {
				return fail("op ended at %d shows %q, begun at %d", g.end, w.value, w.begin)
			}
			if has && g.kind == 'g' {
				continue
			}
			// an acked append before g began must be in got, or a set not ended before it in got's place
			if !has && w.ok && w.end < g.begin {
				covered := false
				for _, s := range hist {
					if s.kind == 's' && s != w && strings.HasPrefix(got+"+", s.value+"+") && (!s.ok || s.end > w.begin) {
						covered = true
					}
				}
				if !covered {
					return fail("%q acked at %d, %c begun at %d shows %q", w.value, w.end, g.kind, g.begin, got)
				}
			}
		}
	}
	// reads go forward
	for _, g := range hist {
		for _, h := range hist {
			if g.ok && h.ok && g.kind == 'g' && h.kind == 'g' && g.end < h.begin {
				a, b := content(g), content(h)
				base := func(s string) string { x, _, _ := strings.Cut(s, "+"); return x }
				if base(a) == base(b) && !strings.HasPrefix(b, a) {
					return fail("read %q then %q", a, b)
				}
			}
		}
	}
	return ""
}
