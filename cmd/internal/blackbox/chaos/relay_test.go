package chaos

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// echo is a server that says what it hears.
func echo(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() }) // it is only read from
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c) // the client judges
				_ = c.Close()
			}()
		}
	}()
	return ln.Addr().String()
}

func relayed(t *testing.T, slow Slowness) (*Relay, net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := NewRelay(ln, echo(t), slow)
	t.Cleanup(func() { _ = r.Close() }) // the test may have closed it
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the test may have closed it
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return r, c
}

func TestRelayIsSlow(t *testing.T) {
	_, c := relayed(t, Slowness{Delay: 40 * time.Millisecond, Rate: 1 << 20})
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<14) // 256 KiB: a quarter of a second at that rate
	began := time.Now()
	go func() { _, _ = c.Write(sent) }() // what does not arrive is missed below
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(c, got[:1]); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 80*time.Millisecond {
		t.Errorf("the first byte was back after %v, with 40ms each way", took)
	}
	if _, err := io.ReadFull(c, got[1:]); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 330*time.Millisecond {
		t.Errorf("256 KiB were back after %v, at 1 MiB/s with 40ms each way", took)
	}
	if !bytes.Equal(got, sent) {
		t.Error("what came back is not what was sent")
	}
}

func TestRelayCloseBreaks(t *testing.T) {
	r, c := relayed(t, Slowness{Delay: time.Millisecond, Rate: 1 << 30})
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	var one [1]byte
	if _, err := io.ReadFull(c, one[:]); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(one[:]); err == nil {
		t.Error("the connection outlived its relay")
	}
}
