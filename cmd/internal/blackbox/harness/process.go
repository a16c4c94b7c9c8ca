package harness

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	readyWithin = 60 * time.Second
	stopWithin  = 60 * time.Second
	pollEvery   = 5 * time.Millisecond
)

// process is one running server. Its output is appended to a file.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process was reaped
	err  error         // of its exit; valid once done is closed
}

func startProcess(logPath string, env []string, argv ...string) (*process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the child has its own descriptor
	if _, err := fmt.Fprintf(log, "\n--- %s\n", strings.Join(argv, " ")); err != nil {
		return nil, err
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(cleanEnvironment(), env...)
	cmd.SysProcAttr = diesWithParent()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// cleanEnvironment is the environment of this process without settings of a
// node, which would be taken for those of the node under test.
func cleanEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "RONDO_") })
}

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill ends the process at once and waits until it is reaped.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails only for a process that is gone
	<-p.done
}

// stop asks the process to end and returns how it did.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(stopWithin):
		p.kill()
		return fmt.Errorf("still running %v after SIGTERM", stopWithin)
	}
}

// await polls ready until it answers true, the process ends, or time is up.
func (p *process) await(what string, ready func() bool) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	end := time.After(readyWithin)
	for !ready() {
		select {
		case <-p.done:
			return fmt.Errorf("ended before it was ready: %w", exitError(p.err))
		case <-end:
			return fmt.Errorf("no %s within %v", what, readyWithin)
		case <-tick.C:
		}
	}
	return nil
}

func exitError(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// logTail is the end of a server's output, for a failed test.
func logTail(path string) string {
	const lines = 40
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}
