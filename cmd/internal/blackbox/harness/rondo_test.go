//go:build blackbox

package harness

import (
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestNodeStopsAndStartsAgain(t *testing.T) {
	n := StartRondo(t, Options{Durability: "always", Flags: []string{"--log.level", "warn"}})
	if got := Dial(t, n.Clients).Do("SET", "k", "v"); got != "+OK\r\n" {
		t.Fatalf("SET = %q", got)
	}
	for _, end := range []func(){n.Stop, n.Kill} {
		end()
		if n.Running() {
			t.Fatal("the node runs on")
		}
		n.Start()
		for _, face := range []string{n.Clients, n.Forward} {
			if got := Dial(t, face).Do("GET", "k"); got != "$1\r\nv\r\n" {
				t.Errorf("GET on %s = %q", face, got)
			}
		}
	}
}

func TestNodeThatRefusesToStart(t *testing.T) {
	n := StartRondo(t, Options{})
	n.Stop()
	n.opts.Flags = []string{"--durability", "sometimes"}
	if err := n.TryStart(); err == nil {
		t.Fatal("it started with a durability that does not exist")
	}
	if !strings.Contains(n.LogTail(), "sometimes") {
		t.Errorf("the log does not name the value:\n%s", n.LogTail())
	}
}
