package harness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Conn is a client connection that shows replies as the bytes they are. It
// knows just enough of RESP2 and RESP3 to tell where a reply ends.
type Conn struct {
	net.Conn
	in      *bufio.Reader
	t       testing.TB
	Timeout time.Duration // of one Do, Send or Receive
}

// Dial connects to a server. The connection is closed with the test.
func Dial(t testing.TB, addr string) *Conn {
	t.Helper()
	c, err := Connect(addr)
	if err != nil {
		t.Fatal(err)
	}
	c.t = t
	t.Cleanup(func() { _ = c.Close() }) // a test may have closed it before
	return c
}

// Connect is Dial outside a test's goroutine: Do may not be used, Send and
// Receive may.
func Connect(addr string) (*Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: conn, in: bufio.NewReaderSize(conn, 64<<10), Timeout: 20 * time.Second}, nil
}

// Do sends one command and returns its reply.
func (c *Conn) Do(args ...string) string {
	c.t.Helper()
	if err := c.Send(AppendCommand(nil, args...)); err != nil {
		c.t.Fatalf("%s: %v", args[0], err)
	}
	reply, err := c.Receive()
	if err != nil {
		c.t.Fatalf("%s: %v", args[0], err)
	}
	return string(reply)
}

// Send writes bytes as they are, within the timeout.
func (c *Conn) Send(raw []byte) error {
	if err := c.SetWriteDeadline(time.Now().Add(c.Timeout)); err != nil {
		return err
	}
	_, err := c.Write(raw)
	return err
}

// Receive reads one reply, attributes and pushed messages included as replies
// of their own, within the timeout.
func (c *Conn) Receive() ([]byte, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.Timeout)); err != nil {
		return nil, err
	}
	return readReply(c.in, nil, 0)
}

// AppendCommand appends a command in the form that client libraries send.
func AppendCommand(dst []byte, args ...string) []byte {
	dst = fmt.Appendf(dst, "*%d\r\n", len(args))
	for _, a := range args {
		dst = fmt.Appendf(dst, "$%d\r\n", len(a))
		dst = append(append(dst, a...), "\r\n"...)
	}
	return dst
}

var errProtocol = errors.New("not a RESP reply")

func readReply(in *bufio.Reader, dst []byte, depth int) ([]byte, error) {
	line, err := in.ReadBytes('\n')
	dst = append(dst, line...)
	if err != nil {
		return dst, err
	}
	if len(line) < 3 || !bytes.HasSuffix(line, []byte("\r\n")) || depth > 100 {
		return dst, fmt.Errorf("%w: %q", errProtocol, line)
	}
	body, children := 0, 0
	switch line[0] {
	case '+', '-', ':', '_', ',', '#', '(':
		return dst, nil
	case '$', '=', '!':
		body, err = length(line)
	case '*', '~', '>':
		children, err = length(line)
	case '%', '|':
		children, err = length(line)
		children *= 2
	default:
		err = fmt.Errorf("%w: %q", errProtocol, line)
	}
	if err != nil {
		return dst, err
	}
	if bytes.ContainsRune([]byte("$=!"), rune(line[0])) && body >= 0 {
		var b bytes.Buffer // grows as bytes come, whatever length was declared
		_, err := io.CopyN(&b, in, int64(body)+2)
		return append(dst, b.Bytes()...), err
	}
	for range children {
		if dst, err = readReply(in, dst, depth+1); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func length(line []byte) (int, error) {
	n, err := strconv.Atoi(string(line[1 : len(line)-2]))
	if err != nil || n < -1 {
		return 0, fmt.Errorf("%w: %q", errProtocol, line)
	}
	return n, nil
}

// ask sends one command on a connection of its own; empty when that fails.
func ask(addr string, args ...string) string {
	c, err := Connect(addr)
	if err != nil {
		return ""
	}
	defer func() { _ = c.Close() }() // nothing is left to lose
	c.Timeout = 2 * time.Second
	if err := c.Send(AppendCommand(nil, args...)); err != nil {
		return ""
	}
	reply, err := c.Receive()
	if err != nil {
		return ""
	}
	return string(reply)
}

// answersPing says whether a server serves; one that asks for a password does.
func answersPing(addr string) bool {
	reply := ask(addr, "PING")
	return strings.HasPrefix(reply, "+PONG") || strings.HasPrefix(reply, "-NOAUTH")
}
