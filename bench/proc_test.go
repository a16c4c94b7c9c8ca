package bench

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const rest = " S 1 100 100 0 -1 4194560 1 2 3 4 1234 567 8 9 20 0 4 0 100 200 300"
	for _, name := range []string{"redis-server", "a b", "x) S 9 9 (y", ")", ""} {
		c, err := parseStat([]byte("4711 (" + name + ")" + rest + "\n"))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if c.user != 12340*time.Millisecond || c.system != 5670*time.Millisecond || c.total != 18010*time.Millisecond {
			t.Errorf("%q: %+v", name, c)
		}
	}
	for _, bad := range []string{"", "4711", "4711 (x", "4711 (x) S 1 2", "4711 (x) S 1 100 100 0 -1 4194560 1 2 3 4 -5 6 7"} {
		if c, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("parseStat(%q) = %+v, want an error", bad, c)
		}
	}
}

func TestParseRSS(t *testing.T) {
	got, err := parseRSS([]byte("Name:\tredis\nVmHWM:\t   9999 kB\nVmRSS:\t    2048 kB\nThreads:\t4\n"))
	if err != nil || got != 2<<20 {
		t.Errorf("got %d, %v", got, err)
	}
	for _, bad := range []string{"", "Name:\tzombie\n", "VmRSS:\tmany kB\n"} {
		if _, err := parseRSS([]byte(bad)); err == nil {
			t.Errorf("parseRSS(%q): no error", bad)
		}
	}
}

func TestProcessCPUOfSelf(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	before, err := processCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	own := ownCPU()
	var sink int64
	const burn = 50 * time.Millisecond
	for ownCPU()-own < burn {
		sink += newPermutation(1000, 1).apply(5)
	}
	after, err := processCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// Other tests may burn more at the same time; never less.
	if used := after.sub(before).total; used < burn-2*clockTick || used > 100*burn {
		t.Errorf("burnt %v, measured %v", burn, used)
	}
	if rss, err := processRSS(os.Getpid()); err != nil || rss < 1<<20 {
		t.Errorf("RSS %d, %v", rss, err)
	}
}

func TestParseIO(t *testing.T) {
	n, err := parseIO([]byte("rchar: 9\nwchar: 8\nsyscr: 323934931\nsyscw: 7\nread_bytes: 1\n"))
	if err != nil || n != 323934938 {
		t.Errorf("%d calls, %v", n, err)
	}
	for _, bad := range []string{"", "syscr: 1\n", "syscr: x\nsyscw: 1\n"} {
		if _, err := parseIO([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
