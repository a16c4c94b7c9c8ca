package clients

import (
	"errors"
	"fmt"
	"strings"
)

// Steps are what every client does, in this order.
func Steps() []string {
	return []string{"connect", "set", "get", "expire", "pipeline", "multi", "watch", "scan", "mget", "mget slots", "incr", "del"}
}

// Face is what a client connects to.
type Face string

// The two faces of a node.
const (
	Cluster Face = "cluster" // a node of a Redis Cluster
	Forward Face = "forward" // one Redis
)

// Result is what one client got of one face.
type Result struct {
	Client, Version string
	Face            Face
	Nodes           int              // of the ring; 0 is one
	Options         string           // that had to be set, empty on defaults
	Skipped         string           // why it did not run, empty if it did
	Errors          map[string]error // by step; nil for a step that worked, absent for one that the client does not have
}

// cell is what the table shows of a step.
func (r Result) cell(step string) string {
	err, done := r.Errors[step]
	switch {
	case !done, errors.Is(err, errSkipped): // what failed before is told there
		return "-"
	case err == nil:
		return "ok"
	case r.expected(step, err) != "":
		return r.expected(step, err)
	}
	return "FAILED"
}

// row is the cells of a result.
func (r Result) row() []string {
	cells := []string{r.Client, r.Version, string(r.Face), r.Options}
	if r.Options == "" {
		cells[3] = "none"
	}
	for _, step := range Steps() {
		if r.Skipped != "" {
			cells = append(cells, "skipped")
			continue
		}
		cells = append(cells, r.cell(step))
	}
	return cells
}

// Undocumented finds the results that a text with such a table shows otherwise
// or not at all; versions may differ.
func Undocumented(results []Result, text string) (missing []string) {
	bare := func(line string) string {
		cells := strings.Split(line, "|")
		if len(cells) > 2 {
			cells[2] = ""
		}
		return strings.Join(cells, "|")
	}
	shown := map[string]bool{}
	for _, line := range strings.Split(text, "\n") {
		shown[bare(strings.TrimSpace(line))] = true
	}
	for _, r := range results {
		line := "| " + strings.Join(r.row(), " | ") + " |"
		if r.Skipped == "" && !shown[bare(line)] {
			missing = append(missing, line)
		}
	}
	return missing
}

// Table is the results as a Markdown table, then the text of each failure.
func Table(results []Result) string {
	var b strings.Builder
	header := append([]string{"client", "version", "face", "options set"}, Steps()...)
	row := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	row(header)
	fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(header)))
	for _, r := range results {
		row(r.row())
	}
	for _, r := range results {
		if r.Skipped != "" {
			fmt.Fprintf(&b, "%s on the %s face was skipped: %s\n", r.Client, r.Face, r.Skipped)
		}
		for _, step := range Steps() {
			if err := r.Errors[step]; err != nil && !errors.Is(err, errSkipped) {
				fmt.Fprintf(&b, "%s on the %s face, %s: %s: %v\n", r.Client, r.Face, step, r.cell(step), err)
			}
		}
	}
	return b.String()
}
