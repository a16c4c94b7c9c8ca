package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// antechamber answers on a node's addresses while there is no ring yet, or none any more that it is a member of, so that clients and
// people learn why they wait. It gives the listeners back as they were.
type antechamber struct {
	what string // for what it stands in
	text atomic.Pointer[string]
	http *http.Server
	done sync.WaitGroup

	mu     sync.Mutex
	closed bool
	lent   []*lent
	conns  map[net.Conn]struct{}
}

const (
	antechamberConns = 1024
	antechamberIdle  = time.Minute
)

// lent is a listener that closing does not close: it only stops to accept.
type lent struct{ net.Listener }

type deadliner interface{ SetDeadline(time.Time) error }

// Close implements net.Listener.
func (l *lent) Close() error {
	if d, ok := l.Listener.(deadliner); ok {
		return d.SetDeadline(time.Unix(1, 0))
	}
	return nil
}

func (l *lent) giveBack() error {
	if d, ok := l.Listener.(deadliner); ok {
		return d.SetDeadline(time.Time{})
	}
	return nil
}

// The words with which errors begin in an antechamber. Cluster clients retry the one; plain clients the other, if it is of any use.
const (
	wordDown    = "CLUSTERDOWN "
	wordLoading = "LOADING "
)

// openAntechamber begins to answer. plain is the word for plain clients, routes adds pages to HTTP.
func openAntechamber(ln listeners, what, plain string, routes func(*http.ServeMux)) *antechamber {
	a := &antechamber{what: what, conns: map[net.Conn]struct{}{}}
	a.tell("no other node has been heard of yet")
	for _, face := range []struct {
		ln     net.Listener
		prefix string
	}{{ln.clients, wordDown + what}, {ln.forward, plain + what}} {
		if face.ln != nil {
			l := a.borrow(face.ln)
			a.done.Go(func() { a.accept(l, face.prefix) })
		}
	}
	if ln.admin != nil {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
		mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, strings.ToLower(what[:1])+what[1:]+": "+*a.text.Load(), http.StatusServiceUnavailable)
		})
		routes(mux)
		a.http = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
		l := a.borrow(ln.admin)
		a.done.Go(func() { _ = a.http.Serve(l) }) // it ends when the listener is given back
	}
	return a
}

func (a *antechamber) borrow(ln net.Listener) *lent {
	l := &lent{ln}
	a.lent = append(a.lent, l)
	return l
}

// tell sets what is waited for.
func (a *antechamber) tell(text string) { a.text.Store(&text) }

// close ends all connections, waits for all goroutines and gives the listeners back.
func (a *antechamber) close() error {
	a.mu.Lock()
	a.closed = true
	var errs []error
	for _, l := range a.lent {
		errs = append(errs, l.Close())
	}
	for c := range a.conns {
		_ = c.Close() // its goroutine ends
	}
	a.mu.Unlock()
	if a.http != nil {
		errs = append(errs, a.http.Close())
	}
	a.done.Wait()
	for _, l := range a.lent {
		errs = append(errs, l.giveBack())
	}
	return errors.Join(errs...)
}

func (a *antechamber) accept(l *lent, prefix string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(10 * time.Millisecond) // out of files: others may close some
			continue
		}
		a.mu.Lock()
		if a.closed || len(a.conns) >= antechamberConns {
			a.mu.Unlock()
			_ = conn.Close()
			continue
		}
		a.conns[conn] = struct{}{}
		a.mu.Unlock()
		a.done.Go(func() { a.answer(conn, prefix) })
	}
}

// answer gives every command of a connection the same error.
func (a *antechamber) answer(conn net.Conn, prefix string) {
	defer func() {
		_ = conn.Close()
		a.mu.Lock()
		delete(a.conns, conn)
		a.mu.Unlock()
	}()
	r, w := bufio.NewReaderSize(conn, 4096), bufio.NewWriterSize(conn, 4096)
	for {
		if err := conn.SetDeadline(time.Now().Add(antechamberIdle)); err != nil {
			return
		}
		name, err := readCommand(r)
		if err != nil {
			return
		}
		if strings.EqualFold(name, "quit") {
			_, _ = w.WriteString("+OK\r\n") // it wants to go in any case
			_ = w.Flush()
			return
		}
		text := prefix
		if fromHere(conn) { // others are not told addresses
			text += ": " + *a.text.Load()
		}
		if _, err := fmt.Fprintf(w, "-%s\r\n", text); err != nil {
			return
		}
		if r.Buffered() == 0 {
			if err := w.Flush(); err != nil {
				return
			}
		}
	}
}

func fromHere(conn net.Conn) bool {
	a, ok := conn.RemoteAddr().(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

var errCommand = errors.New("not a command")

// readCommand reads one command, inline or an array, and keeps no more than the name of it.
func readCommand(r *bufio.Reader) (name string, err error) {
	line, err := commandLine(r)
	if err != nil {
		return "", err
	}
	if len(line) == 0 || line[0] != '*' {
		name, _, _ = strings.Cut(string(line), " ")
		return name, nil
	}
	n, err := strconv.Atoi(string(line[1:]))
	if err != nil || n > 1<<20 {
		return "", errCommand
	}
	for i := range n {
		line, err := commandLine(r)
		if err != nil {
			return "", err
		}
		if len(line) == 0 || line[0] != '$' {
			return "", errCommand
		}
		size, err := strconv.ParseInt(string(line[1:]), 10, 64)
		if err != nil || size < 0 || size > 512<<20 {
			return "", errCommand
		}
		if i == 0 && size < 32 {
			if b, err := r.Peek(int(size)); err == nil {
				name = string(b)
			}
		}
		if _, err := io.CopyN(io.Discard, r, size+2); err != nil {
			return "", err
		}
	}
	return name, nil
}

// commandLine is a line without its end, shorter than the buffer.
func commandLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, nil
}
