package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rondokv/rondo/cluster/ring"
)

// watchRing shows how far the ring is until it is stable at an epoch from the given one on and old owners have cleared what they held,
// or, if a node leaves, until that is no member any more. A node that was asked about itself may be gone by then: that is the end of
// it, too.
func watchRing(ctx context.Context, w io.Writer, addr string, asJSON bool, from uint64, node string, leaves bool) error {
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	var last string
	var was movesTotal
	at := time.Now()
	failures := 0
	for {
		body, err := askNode(ctx, addr, "/admin/ring")
		var p ringPage
		if err == nil {
			err = json.Unmarshal(body, &p)
		}
		switch {
		case err != nil && leaves:
			if failures++; failures > 3 {
				_, err := fmt.Fprintln(w, "the node has gone")
				return err
			}
		case err != nil:
			return err
		default:
			now := p.total()
			line := now.line(p, was, time.Since(at))
			was, at = now, time.Now()
			if asJSON {
				if _, err := w.Write(body); err != nil {
					return err
				}
			} else if line != last {
				if _, err := fmt.Fprintln(w, line); err != nil {
					return err
				}
				last = line
			}
			if p.over(from, node, leaves) {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
	}
}

// over says whether there is nothing more to watch.
func (p *ringPage) over(from uint64, node string, leaves bool) bool {
	switch {
	case p.State == stateAlone:
		return true
	case p.Stage != ring.Stable.String() || p.Epoch < from:
		return false
	case leaves: // before it went it had handed over and cleared what it held
		return !slices.ContainsFunc(p.Members, func(m ringLine) bool { return m.ID == node })
	}
	return p.Cleared
}

// movesTotal is how far all nodes together are.
type movesTotal struct {
	done, left           uint64 // partitions
	bytesDone, bytesLeft uint64
}

func (p *ringPage) total() (t movesTotal) {
	for _, m := range p.Members {
		t.done += uint64(m.PartitionsDone)
		t.left += uint64(m.PartitionsLeft)
		t.bytesDone += m.BytesDone
		t.bytesLeft += m.BytesLeft
	}
	return t
}

const barWidth = 30

// line is one line of progress with a bar.
func (t movesTotal) line(p ringPage, was movesTotal, since time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %d  %-8s", p.Epoch, p.Stage)
	if p.Stage == ring.Stable.String() {
		fmt.Fprintf(&b, " %s", p.clearingText())
	} else if all := t.done + t.left; all > 0 {
		full := int(barWidth * t.done / all)
		fmt.Fprintf(&b, " [%s%s] %d/%d partitions, %s copied", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), t.done, all, megabytes(t.bytesDone))
		if t.bytesLeft > 0 {
			fmt.Fprintf(&b, ", about %s left", megabytes(t.bytesLeft))
		}
		if rate := float64(t.bytesDone-min(was.bytesDone, t.bytesDone)) / since.Seconds(); t.left > 0 && was.bytesDone > 0 && rate > 0 {
			fmt.Fprintf(&b, ", %s/s", megabytes(uint64(rate)))
			if t.bytesLeft > 0 {
				fmt.Fprintf(&b, ", %s to go", time.Duration(float64(t.bytesLeft)/rate*float64(time.Second)).Round(time.Second))
			}
		}
	}
	if p.Stage != ring.Stable.String() && p.Rate > 0 && p.ETA > 0 { // the asked node copies
		fmt.Fprintf(&b, "; this node: %s/s, %s to go", megabytes(uint64(p.Rate)), time.Duration(p.ETA*float64(time.Second)).Round(time.Second))
	}
	if p.Wait != "" {
		fmt.Fprintf(&b, "  %s", p.Wait)
	}
	return b.String()
}

func megabytes(n uint64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
