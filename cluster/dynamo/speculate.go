package dynamo

import "math/bits"

// leastPatience keeps reads on fast links from asking others for a hiccup.
const leastPatience = Millisecond

// patience is how long a read waits for the replicas that it asked before it asks others.
func (p *Partition) patience(slow Time) Time {
	if slow == 0 {
		return p.limits.Speculate
	}
	return min(max(slow, leastPatience), p.limits.Speculate)
}

// speculate asks the replicas that were left out because one is late, if the budget allows. If not it tries again, and when half
// of its time is gone it asks anyway: it would fail for lack of an answer that others can give.
func (p *Partition) speculate(now Time, op *operation) {
	last := op.askedAt + (op.deadline-op.askedAt)/2
	if now < last && !p.host.Speculate(bits.OnesCount64(p.unasked(op))) {
		if !op.overBudget {
			op.overBudget = true
			p.stats.OverBudget++
		}
		op.speculate = min(last, now+p.limits.Speculate)
		return
	}
	p.stats.Speculations++
	p.askRest(op)
}
