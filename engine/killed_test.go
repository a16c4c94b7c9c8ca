package engine

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/rondokv/rondo/engine/enginetest"
	"github.com/rondokv/rondo/engine/object"
)

const childVar = "ENGINE_TEST_CHILD"

// TestMain lets the test binary be the process that TestKilled kills.
func TestMain(m *testing.M) {
	if v := os.Getenv(childVar); v != "" {
		writeUntilKilled(v)
		return
	}
	os.Exit(m.Run())
}

// writeUntilKilled writes with four goroutines and prints the number of each row once it is acknowledged.
func writeUntilKilled(arg string) {
	var d Durability
	var base int
	var dir string
	if _, err := fmt.Sscan(arg, &d, &base, &dir); err != nil {
		panic(err)
	}
	s, err := Open(dir, small(Options{Durability: d}))
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	for w := range 4 {
		go func() {
			for n := base + w; ; n += 4 {
				c, err := s.Apply([]object.Write{{Key: enginetest.Key(n), Row: enginetest.Row(strings.Repeat("x", 500))}})
				if err == nil {
					err = c.Wait()
				}
				if err != nil {
					panic(err)
				}
				mu.Lock()
				fmt.Println(n)
				mu.Unlock()
			}
		}()
	}
	select {}
}

// TestKilled kills a writing process again and again: every row that it acknowledged is there.
func TestKilled(t *testing.T) {
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	for _, d := range []Durability{EverySec, Always, No} {
		t.Run(d.String(), func(t *testing.T) {
			dir := t.TempDir()
			var acked []int
			for round := range rounds {
				acked = append(acked, killAfter(t, d, round*1_000_000, 2000+round*3000, dir)...)
				s := mustOpen(t, dir, small(Options{Durability: d}))
				for _, n := range acked {
					if !has(t, s, n) {
						t.Fatalf("round %d: row %d of %d was acknowledged and is gone", round, n, len(acked))
					}
				}
				if r := s.Recovery(); r.TruncatedLog || r.DamagedLog || s.WasClean() {
					t.Errorf("round %d: %+v, clean %v", round, r, s.WasClean())
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%d acknowledged rows, %d kills, none lost", len(acked), rounds)
		})
	}
}

// killAfter runs the child, kills it after so many acknowledgements, and returns all that it printed.
func killAfter(t *testing.T, d Durability, base, after int, dir string) []int {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %s", childVar, d, base, dir))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var acked []int
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var n int
		if _, err := fmt.Sscan(lines.Text(), &n); err != nil {
			break // the last line may be cut
		}
		acked = append(acked, n)
		if len(acked) == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // killed
	if len(acked) < after {
		t.Fatalf("the child ended by itself after %d rows", len(acked))
	}
	if !strings.HasSuffix(lines.Text(), "\n") && len(acked) > after {
		acked = acked[:len(acked)-1] // a last number may have lost digits
	}
	return acked
}
