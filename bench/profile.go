package bench

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// profileSpan is how long each profile is taken for.
	profileSpan = 4 * time.Second
	// profileTop is how many functions are printed.
	profileTop = 20
)

// ProfileReport says where the nodes spent their time in one cell.
type ProfileReport struct {
	ClusterCell
	Files    []string `json:"files"` // a node each
	CPUPerOp float64  `json:"cpu_us_per_op"`
	Parts    []Part   `json:"parts"` // largest first
	Top      []Part   `json:"top"`   // functions by their own time
}

// Part is a share of the samples of a profile.
type Part struct {
	Name  string  `json:"name"`
	Share float64 `json:"share"` // 0 to 1
	Peers float64 `json:"peers"` // of Share, what was done because a peer had sent something
}

// profile loads every cell once more while it takes the CPU profiles of all nodes.
func (l *clusterLoad) profile(ctx context.Context) ([]ProfileReport, error) {
	if err := os.MkdirAll(l.o.Profile, 0o755); err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	var all []ProfileReport
	for i := range l.cells {
		p, err := l.profileCell(ctx, l.cells[i].ClusterCell)
		if err != nil {
			return all, fmt.Errorf("profile of %s: %w", l.cells[i].ClusterCell, err)
		}
		all = append(all, p)
	}
	return all, nil
}

func (l *clusterLoad) profileCell(ctx context.Context, cell ClusterCell) (ProfileReport, error) {
	p := ProfileReport{ClusterCell: cell}
	client, err := l.connect(ctx, cell)
	if err != nil {
		return p, err
	}
	defer client.close()
	errs := make([]error, len(l.system.nodes))
	var fetching sync.WaitGroup
	for i, n := range l.system.nodes {
		file := filepath.Join(l.o.Profile, fmt.Sprintf("%s-node%d.pprof", strings.ReplaceAll(cell.String(), "/", "-"), i+1))
		p.Files = append(p.Files, file)
		fetching.Go(func() { errs[i] = fetchProfile(ctx, n.admin, file) })
	}
	s, err := l.sample(func() (Sample, error) {
		s, err := client.run(ctx, profileSpan+time.Second/2)
		if errors.Is(err, errReplies) {
			err = nil // an error now and then does not spoil a profile
		}
		return s, err
	})
	fetching.Wait()
	if err = errors.Join(append(errs, err)...); err != nil {
		return p, err
	}
	p.CPUPerOp = s.CPUPerOp
	// Without the Go tools the files are all there is.
	if traces, err := exec.CommandContext(ctx, "go", append([]string{"tool", "pprof", "-traces"}, p.Files...)...).Output(); err == nil {
		p.Parts, p.Top = readTraces(traces)
	}
	return p, nil
}

// fetchProfile takes a CPU profile of the node whose admin address is given.
func fetchProfile(ctx context.Context, admin, file string) error {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", admin, profileSpan.Seconds())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return os.WriteFile(file, body, 0o644)
}

// whole are parts that a stack belongs to wherever in it the function is.
var whole = [...]partRule{
	{"collector of garbage", "runtime.gcBgMarkWorker runtime.gcAssistAlloc runtime.bgsweep runtime.bgscavenge"},
	{"flush and compaction", "pebble/v2.(*DB).flush1 pebble/v2.(*DB).runCompaction"},
}

// parts are what a stack belongs to by its innermost function that one of the rules names; the first such rule decides.
var parts = [...]partRule{
	{"write replies to clients", "server.(*wire).Write"},
	{"read and parse commands", "server.(*wire).Read server.(*wire).receive redcon.(*Reader)."},
	{"write to peers", "peer.(*writer).put"},
	{"read from peers", "peer.(*reader).run"},
	{"frames: encode, decode, checksum", "cluster/wire."},
	{"links: queues, wake-ups", "cluster/peer."},
	{"log: write and wait for it", "pebble/v2/record. pebble/v2/vfs. engine.(*commitGroup) engine.(*walFile) engine.(*guardedFile)"},
	{"memtable", "arenaskl. pebble/v2.(*memTable)"},
	{"store: batch and commit", "cockroachdb/pebble"},
	{"row cache", "engine/rowcache."},
	{"core: rows, quorums", "cluster/dynamo. engine/object. cluster/ring. cluster/quorum."},
	{"engine", "rondo/engine."},
	{"node: locks, waiting, timers", "rondo/cluster. cluster/hlc. ain.(*membership)"},
	{"gossip", "hashicorp/memberlist. cluster/gossip."},
	{"front door", "rondo/server tidwall/redcon."},
	{"scheduler", "runtime.mcall runtime.schedule runtime.findRunnable runtime.park_m runtime.mstart runtime.goexit0"},
}

// partRule gives functions whose names contain one of some words, a space between them, to a part.
type partRule struct{ part, names string }

func (r partRule) matches(function string) bool {
	for name := range strings.FieldsSeq(r.names) {
		if strings.Contains(function, name) {
			return true
		}
	}
	return false
}

// partOf names the part that a stack, innermost function first, belongs to.
func partOf(stack []string) string {
	for _, r := range whole {
		if slices.ContainsFunc(stack, r.matches) {
			return r.part
		}
	}
	for _, function := range stack {
		for _, r := range parts {
			if r.matches(function) {
				return r.part
			}
		}
	}
	return "the rest"
}

// forPeer reports whether a stack is of what a peer asked for.
func forPeer(stack []string) bool {
	return slices.ContainsFunc(stack, func(f string) bool { return strings.Contains(f, "cluster/peer.(*reader).") })
}

// traceReader sums up what go tool pprof -traces prints: stacks between lines of dashes, innermost function first, the
// first line with the time of the stack before it.
type traceReader struct {
	stack []string
	spent time.Duration
	total time.Duration
	parts map[string]spell
	own   map[string]spell
}

// spell is time, and what of it was spent for peers.
type spell struct{ all, peers time.Duration }

func (s spell) plus(t spell) spell { return spell{s.all + t.all, s.peers + t.peers} }

func readTraces(text []byte) (byPart, top []Part) {
	r := traceReader{parts: map[string]spell{}, own: map[string]spell{}}
	inside := false
	for line := range bytes.Lines(text) {
		l := strings.TrimSpace(string(line))
		switch {
		case strings.HasPrefix(l, "-----------+"):
			r.end()
			inside = true
		case inside && l != "":
			r.line(l)
		}
	}
	r.end()
	byPart, top = r.shares(r.parts), r.shares(r.own)
	return byPart, top[:min(len(top), profileTop)]
}

// line takes a line of a stack; labels before its first line are left out.
func (r *traceReader) line(l string) {
	if r.spent == 0 {
		first, rest, _ := strings.Cut(l, " ")
		d, err := time.ParseDuration(first)
		if err != nil {
			return
		}
		r.spent, l = d, strings.TrimSpace(rest)
	}
	r.stack = append(r.stack, strings.TrimSuffix(l, " (inline)"))
}

// end counts the stack that was read.
func (r *traceReader) end() {
	if r.spent > 0 && len(r.stack) > 0 {
		r.total += r.spent
		t := spell{all: r.spent}
		if forPeer(r.stack) {
			t.peers = r.spent
		}
		r.parts[partOf(r.stack)] = r.parts[partOf(r.stack)].plus(t)
		r.own[r.stack[0]] = r.own[r.stack[0]].plus(t)
	}
	r.stack, r.spent = nil, 0
}

// shares sorts by share, then by name.
func (r *traceReader) shares(times map[string]spell) []Part {
	all := make([]Part, 0, len(times))
	for name, t := range times {
		all = append(all, Part{name, float64(t.all) / float64(r.total), float64(t.peers) / float64(r.total)})
	}
	slices.SortFunc(all, func(a, b Part) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), strings.Compare(a.Name, b.Name))
	})
	return all
}

// write prints the parts, in microseconds an operation as well, and the functions.
func (p ProfileReport) write(b *strings.Builder) {
	fmt.Fprintf(b, "\nprofile of %s, all nodes, %.2f us an operation; files: %s\n", p.ClusterCell, p.CPUPerOp, strings.Join(p.Files, " "))
	if len(p.Parts) == 0 {
		b.WriteString("  (not read: go tool pprof is not to be had)\n")
		return
	}
	writeParts(b, "part", p.Parts, p.CPUPerOp)
	writeParts(b, "function, by its own time", p.Top, p.CPUPerOp)
}

func writeParts(b *strings.Builder, title string, parts []Part, us float64) {
	fmt.Fprintf(b, "   share      us  of it for peers  %s\n", title)
	for _, p := range parts {
		fmt.Fprintf(b, "  %5.1f%%  %6.2f  %15.2f  %s\n", p.Share*100, p.Share*us, p.Peers*us, p.Name)
	}
}
