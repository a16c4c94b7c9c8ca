package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/rondokv/rondo/resp"
)

// client speaks RESP3 over one connection, a command at a time.
type client struct {
	conn net.Conn
	buf  []byte
}

// connect dials addr, or starts server in a directory of its own; stop undoes it.
func connect(addr, server string) (c *client, stop func(), err error) {
	if addr != "" {
		return dial("tcp", addr, func() {})
	}
	dir, err := os.MkdirTemp("", "tablegen")
	if err != nil {
		return nil, nil, err
	}
	sock := filepath.Join(dir, "redis.sock")
	cmd := exec.Command(server, "--port", "0", "--unixsocket", sock, "--save", "", "--dir", dir)
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start %s: %w", server, err)
	}
	return dial("unix", sock, func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	})
}

// dial waits for a server that is starting.
func dial(network, addr string, undo func()) (*client, func(), error) {
	deadline := time.Now().Add(10 * time.Second)
	for {
		conn, err := net.Dial(network, addr)
		if err == nil {
			c := &client{conn: conn}
			_, err = c.do("HELLO", "3")
			if err == nil {
				return c, func() { _ = conn.Close(); undo() }, nil
			}
		}
		if time.Now().After(deadline) {
			undo()
			return nil, nil, fmt.Errorf("dial %s: %w", addr, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (c *client) do(args ...string) (resp.Value, error) {
	req := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		req = fmt.Appendf(req, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := c.conn.Write(req); err != nil {
		return resp.Value{}, err
	}
	chunk := make([]byte, 1<<20)
	for {
		v, n, err := resp.Decode(c.buf)
		if err == nil {
			c.buf = c.buf[n:]
			if v.IsError() {
				return v, fmt.Errorf("%s: %s", args[0], v.Str)
			}
			return v, nil
		}
		if !errors.Is(err, resp.ErrIncomplete) {
			return v, err
		}
		n, err = c.conn.Read(chunk)
		if err != nil {
			return v, err
		}
		c.buf = append(c.buf, chunk[:n]...)
	}
}
