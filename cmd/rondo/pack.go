package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// pack is the processes of rondo dev. They are processes and not goroutines, so that one can be killed, stopped and
// looked at as in earnest; and nothing that one does, down to the end of the process after a failed fsync, ends the others.
type pack struct {
	cluster *devCluster
	running []*exec.Cmd // nil: it is not
	ends    chan end
}

// end is the end of one process.
type end struct {
	at    int // of the node in the cluster
	state string
}

// launch starts all nodes. The pack is to be stopped also after an error.
func launch(c *devCluster) (*pack, error) {
	p := &pack{cluster: c, running: make([]*exec.Cmd, len(c.Nodes)), ends: make(chan end, len(c.Nodes))}
	for i := range c.Nodes {
		if err := p.start(i); err != nil {
			return p, err
		}
	}
	return p, nil
}

// start starts node i, which is not running.
func (p *pack) start(i int) error {
	n := &p.cluster.Nodes[i]
	log, err := os.OpenFile(n.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	cmd := exec.Command(n.Command[0], n.Command[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	detach(cmd)
	if err := errors.Join(cmd.Start(), log.Close()); err != nil {
		return fmt.Errorf("start node %d: %w", n.Number, err)
	}
	n.PID = cmd.Process.Pid
	p.running[i] = cmd
	go func() { // it ends with its process, which stop makes sure of
		_ = cmd.Wait() // the state says more
		p.ends <- end{i, cmd.ProcessState.String()}
	}()
	return nil
}

// follow waits for ctx, says when a node ends, and starts it again when somebody presses Enter.
func (p *pack) follow(ctx context.Context, in io.Reader, w io.Writer) {
	enter := make(chan struct{})
	if in != nil {
		go func() { // it ends with its input, or with the process
			for lines := bufio.NewScanner(in); lines.Scan(); {
				select {
				case enter <- struct{}{}:
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) } // nobody is left to tell
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-p.ends:
			p.running[e.at] = nil
			n := p.cluster.Nodes[e.at]
			why := e.state
			if strings.HasPrefix(why, "exit") {
				why += ": " + lastLine(n.Log)
			}
			say("node %d ended (%s). Enter starts it again.\n", n.Number, why)
		case <-enter:
			for i, cmd := range p.running {
				if cmd != nil {
					continue
				}
				if err := p.start(i); err != nil {
					say("%v\n", err)
					continue
				}
				say("node %d runs again, as process %d\n", i+1, p.cluster.Nodes[i].PID)
			}
		}
	}
}

// stopPatience is how long a node may take to stop; then it is killed.
const stopPatience = 15 * time.Second

// stop ends all processes of this pack that are still there, and waits for them.
func (p *pack) stop() error {
	for _, cmd := range p.running {
		if cmd != nil {
			_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		}
	}
	patience := time.NewTimer(stopPatience)
	defer patience.Stop()
	var errs []error
	for p.some() {
		select {
		case e := <-p.ends:
			p.running[e.at] = nil
			if n := p.cluster.Nodes[e.at]; e.state != "exit status 0" && !strings.HasPrefix(e.state, "signal") {
				errs = append(errs, fmt.Errorf("node %d: %s: %s", n.Number, e.state, lastLine(n.Log)))
			}
		case <-patience.C:
			for _, cmd := range p.running {
				if cmd != nil {
					_ = cmd.Process.Kill() // it may have ended
				}
			}
			errs = append(errs, errors.New("some nodes did not stop in time and were killed"))
		}
	}
	return errors.Join(errs...)
}

// some says whether any process is still there.
func (p *pack) some() bool {
	return slices.ContainsFunc(p.running, func(cmd *exec.Cmd) bool { return cmd != nil })
}

// lastLine is what a log ends with.
func lastLine(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }() // it was read only
	const most = 4096
	if st, err := f.Stat(); err == nil && st.Size() > most {
		if _, err := f.Seek(-most, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	text := strings.TrimSpace(string(b))
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// randomText is a name that no other cluster has.
func randomText() string { return rand.Text()[:10] }
