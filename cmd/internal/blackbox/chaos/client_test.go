//go:build blackbox

package chaos

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// AnswerWithin is the longest that a node which can answer may take.
const AnswerWithin = 2 * time.Second

// client is a connection to one node, made when it is needed and again after it
// broke.
type client struct {
	node *node
	conn *harness.Conn
	born int64 // what the node's unable was when the connection was made

	// late gets what is wrong with a command whose answer its sender did not wait for.
	late func(error)
}

// do sends one command and tells how it ended, waiting no longer than patience.
func (k *client) do(patience time.Duration, args ...string) ([]byte, Outcome) {
	if k.conn == nil {
		k.born = k.node.unable.Load()
		conn, err := harness.Connect(k.node.forward)
		if err != nil {
			return nil, Unreached
		}
		k.conn = conn
	}
	k.conn.Timeout = patience
	unable, began := k.node.unable.Load(), time.Now()
	if err := k.conn.Send(harness.AppendCommand(nil, args...)); err != nil {
		_ = k.Close() // it is broken
		return nil, Silent
	}
	reply, err := k.conn.Receive()
	if err == nil {
		return reply, outcome(reply)
	}
	conn := k.conn
	k.conn = nil
	if !isTimeout(err) || k.late == nil {
		_ = conn.Close() // it is broken, or given up
		if k.late != nil && unable%2 == 0 && k.node.unable.Load() == k.born {
			k.late(fmt.Errorf("node %d broke off %s: %w", k.node.number, strings.Join(args, " "), err))
		}
		return nil, Silent
	}
	go k.wait(conn, began, unable, strings.Join(args, " "))
	return nil, Silent
}

// wait hears the answer that its sender had no patience for: the node owes it
// until AnswerWithin unless it was unable meanwhile.
func (k *client) wait(conn *harness.Conn, began time.Time, unable int64, command string) {
	defer func() { _ = conn.Close() }()
	conn.Timeout = max(time.Until(began.Add(AnswerWithin)), time.Millisecond)
	if _, err := conn.Receive(); isTimeout(err) && unable%2 == 0 && k.node.unable.Load() == unable {
		k.late(fmt.Errorf("node %d did not answer %s within %v", k.node.number, command, AnswerWithin))
	}
}

// Close drops the connection, if there is one.
func (k *client) Close() error {
	if k.conn == nil {
		return nil
	}
	conn := k.conn
	k.conn = nil
	return conn.Close()
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func outcome(reply []byte) Outcome {
	if reply[0] != '-' {
		return OK
	}
	word, _, _ := bytes.Cut(reply[1:], []byte(" "))
	switch string(word) {
	case "UNAVAILABLE", "OVERLOADED", "LOADING", "CLUSTERDOWN":
		return Refused
	case "TIMEOUT":
		return Timeout
	}
	return Other
}

// number reads a reply that is a number or a value that is one; 0 for null.
func number(reply []byte) (uint64, error) {
	text := strings.TrimSuffix(string(reply), "\r\n")
	if strings.HasPrefix(text, "$-1") || text == "_" {
		return 0, nil
	}
	if text[0] == '$' {
		_, text, _ = strings.Cut(text, "\r\n")
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(text, ":"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", reply)
	}
	return n, nil
}
