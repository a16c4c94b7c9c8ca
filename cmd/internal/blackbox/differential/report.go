package differential

import (
	"fmt"
	"strings"
)

// report is all that a person needs of a difference.
func report(face Face, seed uint64, e Epoch, script []Step, d *Difference, pipelined bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "replies differ on the %s face (DIFF_SEED=%d DIFF_EPOCH=%d, step %d of %d)\n", face, seed, e.Number, d.Index, len(script))
	if len(d.Queued) > 0 {
		fmt.Fprintf(&b, "  in EXEC, the reply to %q\n", d.Queued)
	}
	shown := script[:min(len(script), d.Index+1)]
	if skip := len(shown) - 40; skip > 0 {
		fmt.Fprintf(&b, "  ... %d steps\n", skip)
		shown = shown[skip:]
	}
	last := -1 << 31
	for _, s := range shown {
		mark := " "
		if pipelined && s.Batch != last {
			mark, last = "|", s.Batch
		}
		fmt.Fprintf(&b, "  %s %s\n", mark, s)
	}
	if pipelined {
		b.WriteString("  (only as pipelines: | begins one)\n")
	}
	fmt.Fprintf(&b, "  redis %q\n  rondo %q\n", shorten(d.Redis, 600), shorten(d.Rondo, 600))
	return b.String()
}
