package peer

import (
	"net"
	"testing"
)

func dialableListener() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := dialableListener()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func start(t testing.TB, o Options) *Links {
	t.Helper()
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}
