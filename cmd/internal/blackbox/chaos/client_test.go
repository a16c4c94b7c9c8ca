//go:build blackbox

package chaos

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// AnswerWithin is the longest that a node which can answer may take: the time
// of an operation, 800 ms, and as much again for a machine that is busy.
const AnswerWithin = 1600 * time.Millisecond

// client is a connection to one face of one node, made when it is needed and
// again after it broke.
type client struct {
	node *node
	addr string
	conn *harness.Conn
	born int64 // what the node's unable was when the connection was made

	// late gets what is wrong with a command whose answer its sender did not wait for.
	late func(error)
}

// newClient returns one of the forward face.
func newClient(n *node) *client { return &client{node: n, addr: n.forward} }

// do sends one command and tells how it ended, waiting no longer than patience.
func (k *client) do(patience time.Duration, args ...string) ([]byte, Outcome) {
	if k.conn == nil {
		k.born = k.node.unable.Load()
		conn, err := harness.Connect(k.addr)
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
		return reply, OutcomeOf(reply)
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
