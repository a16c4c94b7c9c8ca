package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Server is a server to compare: a program and its arguments, in which {port}
// and {dir} stand for the port to listen on at 127.0.0.1 and a directory of
// its own.
type Server struct {
	Name string
	Path string
	Args []string
}

// RedisServer is a real redis-server with the durability that Rondo has by
// default. It never rewrites its log: that would be the work of a child process
// that no figure here counts.
func RedisServer(name, path string, extra ...string) Server {
	return Server{Name: name, Path: path, Args: append([]string{
		"--bind", "127.0.0.1", "--port", "{port}", "--dir", "{dir}", "--daemonize", "no",
		"--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--auto-aof-rewrite-percentage", "0",
	}, extra...)}
}

// RondoServer is a rondo binary. Its other ports follow from {port}.
func RondoServer(name, path string, extra ...string) Server {
	return Server{Name: name, Path: path, Args: append([]string{
		"server", "--listen", "127.0.0.1:{port}", "--dir", "{dir}", "--log.level", "warn",
	}, extra...)}
}

func (s Server) args(port int, dir string) []string {
	r := strings.NewReplacer("{port}", strconv.Itoa(port), "{dir}", dir)
	args := make([]string, len(s.Args))
	for i, a := range s.Args {
		args[i] = r.Replace(a)
	}
	return args
}

const (
	// stopGrace is how long a server may take to end after SIGTERM.
	stopGrace = 20 * time.Second
	// startTries bounds new ports after a server that ended at once: another
	// process may have taken one of its ports in between.
	startTries = 3
	// logTail is how much of a server's log an error quotes.
	logTail = 1 << 10
)

// process is a running server, a child of ours: its pid stays its own until
// stop has waited for it.
type process struct {
	server  Server
	cmd     *exec.Cmd
	addr    string
	logPath string
	done    chan struct{} // closed when the process has ended
	exit    error         // set before done is closed
}

type startOptions struct {
	dir     string
	logPath string
	core    int
	timeout time.Duration
}

// startServer starts s and waits until it answers PING.
func startServer(ctx context.Context, s Server, o startOptions) (*process, error) {
	var errs []error
	for range startTries {
		p, err := launch(s, o)
		if err != nil {
			return nil, err
		}
		err = p.awaitReady(ctx, o.timeout)
		if err == nil {
			return p, nil
		}
		ended := p.ended()
		errs = append(errs, err, p.stop())
		if !ended || ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func launch(s Server, o startOptions) (*process, error) {
	port, err := freePorts()
	if err != nil {
		return nil, err
	}
	path, err := absolute(s.Path)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(o.logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("server log: %w", err)
	}
	defer func() { _ = log.Close() }() // the child has its own descriptor
	cmd := exec.Command(path, s.args(port, o.dir)...)
	cmd.Dir = o.dir
	cmd.Stdout, cmd.Stderr = log, log
	if err := startPinned(cmd, o.core); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Path, err)
	}
	p := &process{server: s, cmd: cmd, addr: fmt.Sprintf("127.0.0.1:%d", port), logPath: o.logPath, done: make(chan struct{})}
	go func() { p.exit = cmd.Wait(); close(p.done) }()
	return p, nil
}

// absolute finds a program as a shell would, for a child with a working
// directory of its own.
func absolute(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", fmt.Errorf("find server: %w", err)
	}
	return path, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// failure is an error that says how the server ended, nil while it runs.
func (p *process) failure() error {
	if !p.ended() {
		return nil
	}
	status := "exit status 0"
	if p.exit != nil {
		status = p.exit.Error()
	}
	tail, err := os.ReadFile(p.logPath)
	if err != nil {
		return fmt.Errorf("the server ended: %s: %w", status, err)
	}
	return fmt.Errorf("the server ended: %s; its log ends:\n%s", status, tail[max(0, len(tail)-logTail):])
}

// awaitReady polls until the server answers PING.
func (p *process) awaitReady(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return p.failure()
		case <-ctx.Done():
			return fmt.Errorf("no answer to PING at %s: %w", p.addr, ctx.Err())
		case <-tick.C:
		}
		if reply, err := p.ask("PING"); err == nil && strings.HasPrefix(reply, "+PONG") {
			return nil
		}
	}
}

// ask sends one inline command and returns the first kilobytes of its reply.
func (p *process) ask(command string) (string, error) {
	conn, err := net.DialTimeout("tcp", p.addr, time.Second)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte(command + "\r\n")); err != nil {
		return "", err
	}
	buf := make([]byte, 8<<10)
	n, err := conn.Read(buf)
	if n > 0 {
		return string(buf[:n]), nil
	}
	return "", err
}

// version is what INFO says of the server: rondo_version of the section that
// only Rondo has, or else redis_version.
func (p *process) version() string {
	for _, field := range []struct{ section, name string }{{"rondo", "rondo_version:"}, {"server", "redis_version:"}} {
		reply, err := p.ask("INFO " + field.section)
		if err != nil {
			return ""
		}
		for line := range strings.Lines(reply) {
			if v, ok := strings.CutPrefix(line, field.name); ok {
				return orDefault(strings.TrimSpace(v), "unreleased")
			}
		}
	}
	return ""
}

// freeze stops the server's execution until thaw.
func (p *process) freeze() error {
	return p.signal("freeze", freezeSignal)
}

// thaw lets the server go on, and returns when it answers again.
func (p *process) thaw() error {
	if err := p.signal("thaw", thawSignal); err != nil {
		return err
	}
	if _, err := p.ask("PING"); err != nil {
		return errors.Join(fmt.Errorf("no answer to PING after a pause: %w", err), p.failure())
	}
	return nil
}

func (p *process) signal(what string, sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil {
		return errors.Join(fmt.Errorf("%s %s: %w", what, p.server.Name, err), p.failure())
	}
	return nil
}

// stop ends the server: SIGTERM, then SIGKILL when it does not end in time,
// which is an error. A server that had ended by itself is none here; failure
// tells.
func (p *process) stop() error {
	if p.ended() {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Process.Signal(thawSignal) // a frozen process does not see the first
	t := time.NewTimer(stopGrace)
	defer t.Stop()
	select {
	case <-p.done:
		return nil
	case <-t.C:
	}
	_ = p.cmd.Process.Kill()
	<-p.done
	return fmt.Errorf("%s did not stop within %s of SIGTERM", p.server.Name, stopGrace)
}

// derived are the distances of a Rondo node's other ports from its first.
var derived = [...]int{0, 1000, 10000, 11000, 12000}

// freePorts returns a port that is free now together with those that a Rondo
// node derives from it.
func freePorts() (int, error) {
	const lowest, tries = 10_000, 200
	highest := 65_535 - derived[len(derived)-1]
	for range tries {
		port := lowest + rand.IntN(highest-lowest)
		free := true
		for _, d := range derived {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+d))
			if err != nil {
				free = false
				break
			}
			_ = l.Close()
		}
		if free {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free set of ports in %d tries", tries)
}
