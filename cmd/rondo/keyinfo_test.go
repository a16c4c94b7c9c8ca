package main

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// checkKeyInfo asks each of two nodes for a key that was written while the third is dead: it is listed, and so are its hints.
func checkKeyInfo(t *testing.T, c *trio) {
	t.Helper()
	for _, addr := range []string{c.Nodes[0].Forward, c.Nodes[1].Clients} {
		eventually(t, func() error {
			text := sayAll(t, addr, "KEYINFO key1")
			for want, times := range map[string]int{"alive": 2, "dead": 1, "value_stamp": 2, "string of": 0, "integer 1": 2, "lag": 2, "rows": 1, "not_answering": 1} {
				if got := strings.Count(text, "\r\n"+want+"\r\n"); got != times {
					return fmt.Errorf("%d times %s in %q", got, want, text)
				}
			}
			return nil
		})
	}
}

// sayAll sends one inline command and returns all that comes back.
func sayAll(t *testing.T, addr, command string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "%s\r\nQUIT\r\n", command); err != nil {
		return err.Error()
	}
	b, err := io.ReadAll(conn)
	if err != nil && len(b) == 0 {
		return err.Error()
	}
	return string(b)
}
