package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/memstore"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// failingStore is the store in memory, which fails to read when told to.
type failingStore struct {
	*memstore.Locked
	mu      sync.Mutex
	failure error
}

func (f *failingStore) setFailure(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failure = err
}

func (f *failingStore) Get(dst, key []byte) ([]byte, error) {
	f.mu.Lock()
	err := f.failure
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return f.Locked.Get(dst, key)
}

// rig is a server on loopback with a node over a mapStore.
type rig struct {
	t     testing.TB
	srv   *Server
	store *failingStore
	// addresses of the two faces
	cluster, forward string
	node             *cluster.Node
}

func newRig(t testing.TB, change ...func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, store: &failingStore{Locked: memstore.WithLock(memstore.New())}}
	node, err := cluster.NewNode(cluster.Options{
		Store: r.store, ID: 1, Inc: 2, Secret: object.Secret{K0: 1, K1: 2}, SlotsPerPartition: 16,
		RaiseCeiling: func(object.HLC) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	r.node = node
	o := Options{Node: node, Settings: DefaultSettings(), Version: "test"}
	o.Cluster, o.Forward = listen(t), listen(t)
	r.cluster, r.forward = o.Cluster.Addr().String(), o.Forward.Addr().String()
	for _, f := range change {
		f(&o)
	}
	if r.srv, err = New(o); err != nil {
		t.Fatal(err)
	}
	r.srv.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := r.srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		node.Close()
	})
	return r
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// client is a raw client: it sends bytes and reads replies.
type client struct {
	t    testing.TB
	conn net.Conn
	buf  []byte
}

func (r *rig) dial(addr string) *client {
	r.t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		r.t.Fatal(err)
	}
	c := &client{t: r.t, conn: conn}
	r.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	return c
}

// encode is a command as a RESP array.
func encode(words ...string) []byte {
	b := []byte("*" + strconv.Itoa(len(words)) + "\r\n")
	for _, w := range words {
		b = append(b, "$"+strconv.Itoa(len(w))+"\r\n"+w+"\r\n"...)
	}
	return b
}

func (c *client) send(b []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// read returns the next reply, or what ended the connection.
func (c *client) read() (resp.Value, error) {
	for {
		if len(c.buf) > 0 {
			v, n, err := resp.Decode(c.buf)
			if err == nil {
				c.buf = c.buf[n:]
				return v, nil
			}
			if !errors.Is(err, resp.ErrIncomplete) {
				return v, err
			}
		}
		chunk := make([]byte, 64<<10)
		n, err := c.conn.Read(chunk)
		c.buf = append(c.buf, chunk[:n]...)
		if n == 0 && err != nil {
			return resp.Value{}, err
		}
	}
}

func (c *client) do(words ...string) resp.Value {
	c.t.Helper()
	c.send(encode(words...))
	v, err := c.read()
	if err != nil {
		c.t.Fatalf("%q: %v", words, err)
	}
	return v
}

// want runs a command and compares its reply as show prints it.
func (c *client) want(reply string, words ...string) {
	c.t.Helper()
	if got := show(c.do(words...)); got != reply {
		c.t.Errorf("%q: got %s, want %s", words, got, reply)
	}
}

// next compares the next reply.
func (c *client) next(reply string) {
	c.t.Helper()
	v, err := c.read()
	if err != nil {
		c.t.Fatalf("want %s: %v", reply, err)
	}
	if got := show(v); got != reply {
		c.t.Errorf("got %s, want %s", got, reply)
	}
}

// wantEnd expects that the server closes.
func (c *client) wantEnd() {
	c.t.Helper()
	v, err := c.read()
	if err == nil {
		c.t.Fatalf("got %s, want the end of the connection", show(v))
	}
	var timeout net.Error
	if !errors.Is(err, io.EOF) && errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatalf("the connection is still open")
	}
}

// show prints a reply in short: OK, (error) ..., :1, "bulk", nil, [a b], {k v}.
func show(v resp.Value) string {
	switch v.Kind {
	case resp.KindSimple:
		return v.Str
	case resp.KindError:
		return "-" + v.Str
	case resp.KindInt:
		return ":" + strconv.FormatInt(v.Int, 10)
	case resp.KindNil:
		return "nil"
	case resp.KindNilArray:
		return "nilarray"
	case resp.KindBulk:
		return strconv.Quote(v.Str)
	case resp.KindArray, resp.KindMap, resp.KindSet, resp.KindPush:
		var parts []string
		for _, e := range v.Elems {
			parts = append(parts, show(e))
		}
		open, end := "[", "]"
		switch v.Kind {
		case resp.KindMap:
			open, end = "{", "}"
		case resp.KindSet:
			open, end = "<", ">"
		}
		return open + strings.Join(parts, " ") + end
	}
	return fmt.Sprintf("kind %d %q", v.Kind, v.Str)
}

// eventually waits for a condition that another goroutine brings about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		time.Sleep(time.Millisecond) // polling, not ordering
	}
}
