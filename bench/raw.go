package bench

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// rawLoad is one load for the raw client: requests until count are sent or the
// span is over, whichever bound is set.
type rawLoad struct {
	requests *requests
	pipeline int
	count    int64
	span     time.Duration
}

// rawResult is what the raw client saw.
type rawResult struct {
	elapsed   time.Duration
	done      int64 // replies of every kind
	misses    int64
	errors    int64
	firstText string // of the first error reply
	hist      *hdrhistogram.Histogram
}
