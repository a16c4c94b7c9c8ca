package sim

import (
	"fmt"
	"io"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/wire"
)

// check is a kind of check, so that one which never checks anything shows.
type check uint8

const (
	checkAcked check = iota
	checkEqual
	checkRevived
	checkMonotonic
	checkCounter
	checkSiblings
	checkUnique
	checkRefused
	checkFresh
	checkLinear
	checkUndecided
	checkWeak
	checkAnswers
	checkInTime
	checkFrozen
	checkExpiry
	checkReal
	checkPlace
	checkDigest
	checkPrimary
	checkHome
	checkEpochs
	checkStages
	checkCleared
	checks = iota
)

var checkNames = [checks]string{
	"I1 acked", "I2 equal", "I3 revived", "I4 monotonic", "I5 counter", "I6 siblings", "I7 unique", "I8 refused", "I9 fresh", "I10 linear",
	"I10 undecided", "I11 weak", "I12 answers", "I12 in time", "I13 frozen", "I14 expiry", "real values", "I15 place", "digests", "I16 primary", "I17 home", "I18 epochs", "I19 stages", "I20 cleared",
}

// Totals are quantities of one run or of many.
type Totals struct {
	Runs     uint64
	Profiles [4]uint64
	Verbs    [verbs]struct {
		Outcomes [4]uint64 // by outcome
		Applied  uint64    // evaluations that changed something
	}
	Messages [14]uint64 // by kind
	Lost     uint64
	Faults   [faultEnd]uint64
	Crashes  uint64
	Views    uint64 // changes of mind of failure detectors
	Drifts   uint64 // messages refused because a clock was too far ahead
	Ceilings uint64 // operations begun again after the clock's ceiling was in the way

	Batches, BatchesLost, Refused, HintRows uint64

	RingTotals

	Core   dynamo.Stats
	Checks [checks]uint64

	Events uint64
	Lines  uint64 // of trace
	Time   Time   // virtual
}

// Add adds the totals of another run.
func (t *Totals) Add(o *Totals) {
	t.Runs += o.Runs
	addAll(t.Profiles[:], o.Profiles[:])
	for i := range t.Verbs {
		addAll(t.Verbs[i].Outcomes[:], o.Verbs[i].Outcomes[:])
		t.Verbs[i].Applied += o.Verbs[i].Applied
	}
	addAll(t.Messages[:], o.Messages[:])
	addAll(t.Faults[:], o.Faults[:])
	addAll(t.Checks[:], o.Checks[:])
	t.Lost += o.Lost
	t.Views += o.Views
	t.Crashes += o.Crashes
	t.Drifts += o.Drifts
	t.Ceilings += o.Ceilings
	t.Batches += o.Batches
	t.BatchesLost += o.BatchesLost
	t.Refused += o.Refused
	t.HintRows += o.HintRows
	t.RingTotals.add(&o.RingTotals)
	t.Core.Add(o.Core)
	t.Events += o.Events
	t.Lines += o.Lines
	t.Time += o.Time
}

func addAll(to, from []uint64) {
	for i := range from {
		to[i] += from[i]
	}
}

// addStats takes over what the cores of a node's present life have counted.
func (w *world) addStats(n *node) {
	for _, part := range n.parts {
		w.totals.Core.Add(part.Stats())
	}
}

// collect fills in what is known at the end.
func (w *world) collect() {
	for _, n := range w.nodes {
		w.addStats(n)
	}
	w.totals.Events, w.totals.Lines, w.totals.Time = w.handed, w.trace.lines, w.now
}

// WriteTo prints the totals for people.
func (t *Totals) WriteTo(out io.Writer) (int64, error) {
	p := printer{out: out}
	p.line("%d runs (chaos %d, stable %d, calm %d), %d virtual seconds, %d events", t.Runs, t.Profiles[ProfileChaos],
		t.Profiles[ProfileStable], t.Profiles[ProfileCalm], t.Time/second, t.Events)
	p.line("%-14s %9s %9s %9s %9s", "operations", "ok", "refused", "unknown", "changed")
	var sum [5]uint64
	for v := range t.Verbs {
		o := &t.Verbs[v]
		p.line("  %-12s %9d %9d %9d %9d", verb(v), o.Outcomes[succeeded], o.Outcomes[refused], o.Outcomes[unknown], o.Applied)
		addAll(sum[:4], o.Outcomes[:])
		sum[4] += o.Applied
	}
	p.line("  %-12s %9d %9d %9d %9d", "all", sum[succeeded], sum[refused], sum[unknown], sum[4])
	p.text("faults       ")
	for f, n := range t.Faults {
		if fault(f) != faultSkew && fault(f) != faultDetector && fault(f) != faultLoss && fault(f) != faultChanges {
			p.text(" %v %d", fault(f), n)
		}
	}
	p.line("; lost messages %d, changes of view %d, drift refused %d, clock ceiling %d", t.Lost, t.Views, t.Drifts, t.Ceilings)
	p.text("messages     ")
	for k := wire.KindRead; k <= wire.KindFetched; k++ {
		if k == wire.KindAsk || k == wire.KindAnswer {
			continue
		}
		p.text(" %v %d", k, t.Messages[k])
	}
	p.line("")
	p.line("disks         batches %d, lost in crashes %d, refused %d; hint rows %d", t.Batches, t.BatchesLost, t.Refused, t.HintRows)
	c := &t.Core
	p.line("core          passed %d, differing %d, write-backs %d, repairs %d, conflicts %d, re-issues %d, hints stored %d, replayed %d, dropped %d, refused %d, unclear %d, speculations %d, over budget %d",
		c.Passed, c.Differing, c.WriteBacks, c.Repairs, c.Conflicts, c.Reissues, c.HintsStored, c.HintsReplayed, c.HintsDropped, c.HintsRefused, c.Unclear, c.Speculations, c.OverBudget)
	p.line("              unavailable %d, timeouts %d, overloaded %d, peers refused %d", c.Unavailable, c.Timeouts, c.Overloaded, c.Refused)
	t.writeRing(&p)
	p.text("checks       ")
	for i, n := range t.Checks {
		p.text(" %s %d,", checkNames[i], n)
	}
	p.line("")
	return p.n, p.err
}

type printer struct {
	out io.Writer
	n   int64
	err error
}

func (p *printer) text(format string, args ...any) {
	if p.err == nil {
		n, err := fmt.Fprintf(p.out, format, args...)
		p.n, p.err = p.n+int64(n), err
	}
}

func (p *printer) line(format string, args ...any) { p.text(format+"\n", args...) }
