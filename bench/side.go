package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	// quietShare of a core is what a server may use and still count as quiet.
	quietShare = 0.03
	quietProbe = 200 * time.Millisecond
	// quietLimit ends the wait for a server that is never quiet.
	quietLimit = 20 * time.Second
	// fillDepth is the pipeline that fills the key space.
	fillDepth = 32
	// pipelinedMore is how many more requests a pipelined cell gets.
	pipelinedMore = 4
)

// side is one server of a comparison. It is frozen (stopped by signal) but
// while it is its turn, so that what it does in the background is paid for in
// its own time and not in another's.
type side struct {
	o       *CompareOptions
	server  Server
	pool    []byte
	dir     string
	proc    *process
	version string
	client  *rawClient // of the cell under way; nil with redis-benchmark
	reqs    *requests
}

// start starts the server, fills the key space and freezes it. Whether it
// fails or not, the caller calls end.
func (s *side) start(ctx context.Context) error {
	data := filepath.Join(s.dir, "data")
	err := os.MkdirAll(data, 0o755)
	if err != nil {
		return err
	}
	s.proc, err = startServer(ctx, s.server, startOptions{
		dir: data, logPath: filepath.Join(s.dir, "server.log"), core: s.o.ServerCore, timeout: s.o.StartTimeout,
	})
	if err != nil {
		return err
	}
	s.version = s.proc.version()
	if err := s.fill(ctx); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if _, err := s.settle(ctx); err != nil {
		return err
	}
	return s.proc.freeze()
}

// end stops the server. The data goes; the log stays, for the caller to keep or
// remove.
func (s *side) end() error {
	s.leave()
	if s.proc == nil {
		return nil
	}
	return errors.Join(s.proc.stop(), os.RemoveAll(filepath.Join(s.dir, "data")))
}

// fill sets every key once, so that no GET misses.
func (s *side) fill(ctx context.Context) error {
	client, err := dialRaw([]string{s.proc.addr}, s.o.Clients)
	if err != nil {
		return err
	}
	defer client.close()
	reqs := newRequests(Set, *s.o, s.pool)
	reqs.ordered = true
	res, err := client.run(ctx, rawLoad{requests: []*requests{reqs}, pipeline: fillDepth, count: s.o.Keys})
	if err != nil {
		return errors.Join(err, s.proc.failure())
	}
	s.o.logf("%-12s loaded %d keys in %.1f s", s.server.Name, s.o.Keys, res.elapsed.Seconds())
	return res.check()
}

// errReplies is wrapped when the server answered what spoils a measurement.
var errReplies = errors.New("replies spoil the measurement")

// movedShare is one in how many replies may send the client to another node: a cluster tells each connection once when it takes a
// node for dead, or for alive again.
const movedShare = 500

// check makes an error reply or a missing key a failure: such replies cost a
// server less than the real ones.
func (r rawResult) check() error {
	switch {
	case r.errors > r.moved:
		return fmt.Errorf("%w: %d of %d are errors, the first: %s", errReplies, r.errors, r.done, r.firstText)
	case r.moved > r.done/movedShare:
		return fmt.Errorf("%w: %d of %d send the client to another node", errReplies, r.moved, r.done)
	}
	if r.misses > 0 {
		return fmt.Errorf("%w: %d of %d keys read are missing", errReplies, r.misses, r.done)
	}
	return nil
}

// enter connects for a cell and warms it up.
func (s *side) enter(ctx context.Context, cell Cell) (err error) {
	if s.o.Driver != Raw {
		return nil
	}
	if err := s.proc.thaw(); err != nil {
		return err
	}
	if s.client, err = dialRaw([]string{s.proc.addr}, s.o.Clients); err != nil {
		return err
	}
	s.reqs = newRequests(cell.Command, *s.o, s.pool)
	if s.o.WarmUp > 0 {
		res, err := s.client.run(ctx, rawLoad{requests: []*requests{s.reqs}, pipeline: cell.Pipeline, span: s.o.WarmUp})
		if err = errors.Join(err, res.check()); err != nil {
			return errors.Join(err, s.proc.failure())
		}
	}
	return s.proc.freeze()
}

// leave drops the connections of a cell.
func (s *side) leave() {
	if s.client != nil {
		s.client.close()
		s.client = nil
	}
}

// measure runs one round of a cell.
func (s *side) measure(ctx context.Context, cell Cell) (Sample, error) {
	if err := s.proc.thaw(); err != nil {
		return Sample{}, err
	}
	drive := s.drive
	if s.o.Driver == RedisBenchmark {
		drive = s.driveRedisBenchmark
	}
	sample, err := drive(ctx, cell)
	if err != nil {
		return sample, errors.Join(err, s.proc.failure())
	}
	return sample, s.proc.freeze()
}

// drive runs one round of a cell with the raw client.
func (s *side) drive(ctx context.Context, cell Cell) (Sample, error) {
	m, err := startMeter(s.proc.pid())
	if err != nil {
		return Sample{}, err
	}
	load := rawLoad{requests: []*requests{s.reqs}, pipeline: cell.Pipeline, count: s.count(cell)}
	if load.count == 0 {
		load.span = s.o.Duration
	}
	res, err := s.client.run(ctx, load)
	if err != nil {
		return Sample{}, err
	}
	sample := Sample{
		Operations: res.done,
		Elapsed:    res.elapsed,
		Throughput: float64(res.done) / res.elapsed.Seconds(),
		Latency:    summarize(res.hist),
	}
	if err := m.read(&sample); err != nil {
		return sample, err
	}
	return sample, res.check()
}

// count is the number of requests of a round, 0 when time bounds it.
func (s *side) count(cell Cell) int64 {
	if cell.Pipeline == 1 {
		return s.o.Requests
	}
	return s.o.Requests * pipelinedMore
}

// finish ends a cell: it lets the server do what it put off, and sets the
// figures of the cell as a whole.
func (s *side) finish(ctx context.Context, cell *CellReport) error {
	s.leave()
	if err := s.proc.thaw(); err != nil {
		return err
	}
	later, err := s.settle(ctx)
	if err != nil {
		return err
	}
	var ops int64
	for _, sample := range cell.Samples {
		ops += sample.Operations
	}
	cell.LaterPerOp = perOp(later, ops)
	if cell.RSS, err = processRSS(s.proc.pid()); err != nil {
		return errors.Join(err, s.proc.failure())
	}
	return s.proc.freeze()
}

// settle waits until the server is quiet and returns the CPU time of the work
// that it had put off.
func (s *side) settle(ctx context.Context) (time.Duration, error) {
	tick := time.NewTicker(quietProbe)
	defer tick.Stop()
	first, err := processCPU(s.proc.pid())
	if err != nil {
		return 0, errors.Join(err, s.proc.failure())
	}
	last, quiet, begin := first, 0, time.Now()
	at := begin
	for quiet < 2 && time.Since(begin) < quietLimit {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		now := time.Now()
		cpu, err := processCPU(s.proc.pid())
		if err != nil {
			return 0, errors.Join(err, s.proc.failure())
		}
		if cpu.sub(last).total.Seconds() < quietShare*now.Sub(at).Seconds() {
			quiet++
		} else {
			quiet = 0
		}
		last, at = cpu, now
	}
	return last.sub(first).total, nil
}

// meter takes the CPU time of server and client over a stretch.
type meter struct {
	pid    int
	begin  time.Time
	server cpuTimes
	client time.Duration
}

func startMeter(pid int) (*meter, error) {
	cpu, err := processCPU(pid)
	return &meter{pid: pid, begin: time.Now(), server: cpu, client: ownCPU()}, err
}

// read sets the CPU figures of s. REQUIRES: s.Operations is set.
func (m *meter) read(s *Sample) error {
	now, err := processCPU(m.pid)
	if err != nil {
		return err
	}
	span := time.Since(m.begin).Seconds()
	used := now.sub(m.server)
	s.CPUPerOp = perOp(used.total, s.Operations)
	s.SystemPerOp = perOp(used.system, s.Operations)
	s.ServerBusy = used.total.Seconds() / span
	s.ClientBusy = (ownCPU() - m.client).Seconds() / span
	return nil
}

// perOp is in microseconds.
func perOp(d time.Duration, ops int64) float64 {
	return float64(d) / float64(time.Microsecond) / float64(max(ops, 1))
}
