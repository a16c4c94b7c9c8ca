package bench

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// rawLoad is one load for the raw client: requests until count are sent or the
// span is over, whichever bound is set.
type rawLoad struct {
	requests []*requests // by the index of the address that a connection goes to
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
	moved     int64  // of errors, those that send the client to another node
	firstText string // of the first error that is not such
	hist      *hdrhistogram.Histogram
}
