package dynamo

import "math/bits"

// Pace decides, for all partitions of a node together, when a read asks more replicas than it needs because one is late: a Host
// can be made with it. It is not safe for concurrent use.
//
// A read may do so once an answer takes longer than 99 of 100 do, so with all replicas in health one in a hundred does. What
// keeps a slow node, or a slow network, from doubling the load of all others is a budget: a tenth of the reads may, and
// some more at once.
//
// Answers are counted by how long they took in powers of the square root of 2, about; every paceWindow of them the counts are
// halved, so that the last few thousand tell.
type Pace struct {
	spent  int // tenths of a question, below the full budget
	counts [paceBuckets]uint32
	total  uint32
	news   int  // answers since slow was found out
	slow   Time // what 99 of 100 answers took at most; 0: not known yet
}

const (
	paceBuckets = 64
	paceWindow  = 1024
	// paceBurst is how many more questions than a tenth of the reads may be asked at once.
	paceBurst = 64
	// questionCost is how many reads earn one question.
	questionCost = 10
)

// ReadsBegin tells of reads that ask other nodes. It returns what 99 of 100 answers took at most, 0 while that is not known.
func (p *Pace) ReadsBegin(reads int) Time {
	p.spent = max(0, p.spent-reads)
	return p.slow
}

// ReadBegins is ReadsBegin for one read.
func (p *Pace) ReadBegins() Time { return p.ReadsBegin(1) }

// ReadTook tells how long the answer of a replica took.
func (p *Pace) ReadTook(t Time) {
	p.counts[paceBucket(t)]++
	p.total++
	if p.news++; p.news < paceWindow {
		return
	}
	p.news = 0
	p.slow = p.ninetyNinth()
	p.total = 0
	for i := range p.counts {
		p.counts[i] /= 2
		p.total += p.counts[i]
	}
}

// Speculate reports whether the budget allows so many questions more, and takes them from it.
func (p *Pace) Speculate(questions int) bool {
	cost := questions * questionCost
	if p.spent+cost > paceBurst*questionCost {
		return false
	}
	p.spent += cost
	return true
}

func (p *Pace) ninetyNinth() Time {
	above := p.total / 100
	for i := paceBuckets - 1; i > 0; i-- {
		if p.counts[i] > above {
			return paceBound(i)
		}
		above -= p.counts[i]
	}
	return paceBound(0)
}

// paceBucket returns in which bucket a time is counted: two for each power of two of microseconds.
func paceBucket(t Time) int {
	us := uint64(max(t, 0)) / 1000
	if us < 2 {
		return 0
	}
	n := bits.Len64(us)
	return min(paceBuckets-1, 2*(n-2)+int(us>>(n-2)&1)+1)
}

// paceBound returns the time below which a bucket's are.
func paceBound(bucket int) Time {
	if bucket == 0 {
		return 2000
	}
	n, half := uint((bucket-1)/2)+1, Time((bucket-1)%2)
	return (1<<n + (half+1)<<(n-1)) * 1000
}
