package enginetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rondokv/rondo/engine/object"
)

const modelKeys = 40

// testModel runs random operations on the store and on a map.
func testModel(t *testing.T, h *Harness) {
	rapid.Check(t, func(rt *rapid.T) {
		s := h.Open()
		model := map[int]string{}
		c, err := s.DropRange(Key(0), Key(modelKeys), nil) // what the last run left
		if err != nil {
			rt.Fatal(err)
		}
		pending := []object.Commit{c}
		settle := func() {
			for _, c := range pending {
				if err := c.Wait(); err != nil {
					rt.Fatal(err)
				}
			}
			pending = nil
		}
		n := 0
		rt.Repeat(map[string]func(*rapid.T){
			"apply": func(rt *rapid.T) {
				var ws []object.Write
				for range rapid.IntRange(1, 4).Draw(rt, "size") {
					k := rapid.IntRange(0, modelKeys-1).Draw(rt, "key")
					if rapid.Bool().Draw(rt, "delete") {
						ws = append(ws, del(k))
						delete(model, k)
						continue
					}
					n++
					model[k] = fmt.Sprint("v", n)
					ws = append(ws, set(k, model[k]))
				}
				c, err := s.Apply(ws)
				if err != nil {
					rt.Fatal(err)
				}
				pending = append(pending, c)
			},
			"drop": func(rt *rapid.T) {
				lo := rapid.IntRange(0, modelKeys).Draw(rt, "lo")
				hi := rapid.IntRange(lo, modelKeys).Draw(rt, "hi")
				c, err := s.DropRange(Key(lo), Key(hi), nil)
				if err != nil {
					rt.Fatal(err)
				}
				pending = append(pending, c)
				for k := range model {
					if k >= lo && k < hi {
						delete(model, k)
					}
				}
			},
			"reopen": func(rt *rapid.T) {
				if rapid.IntRange(0, 9).Draw(rt, "seldom") != 0 {
					return
				}
				settle()
				if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
				s = h.Open()
			},
			"wait": func(*rapid.T) { settle() },
			"":     func(rt *rapid.T) { compare(rt, s, model) },
		})
		settle()
		if err := s.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

func compare(rt *rapid.T, s Store, model map[int]string) {
	for k := range modelKeys {
		row, err := s.Get(nil, Key(k))
		if err != nil || payload(row) != model[k] {
			rt.Fatalf("row %d is %q, %v, want %q", k, payload(row), err, model[k])
		}
	}
	var got, wanted []string
	for k := range modelKeys {
		if v, ok := model[k]; ok {
			wanted = append(wanted, string(Key(k))+v)
		}
	}
	err := s.Scan(Key(0), Key(modelKeys), func(key, row []byte) bool {
		got = append(got, string(key)+payload(row))
		return true
	})
	if err != nil || !slices.Equal(got, wanted) {
		rt.Fatalf("scan: %q, %v, want %q", got, err, wanted)
	}
}

const crashSeeds = 60

// testCrashKeepsSynced: what a sync covered is there after a crash, over many crashes in a row.
func testCrashKeepsSynced(t *testing.T, h *Harness) {
	if h.Crash == nil {
		t.Skip("this harness cannot crash")
	}
	s := h.Open()
	for seed := range uint64(crashSeeds) {
		r := rand.New(rand.NewPCG(seed, 1))
		synced := map[int]string{}
		maybe := map[int][]string{}
		for i := range 30 + r.IntN(100) {
			k, v := r.IntN(50), fmt.Sprintf("seed%d.%d", seed, i)
			c := apply(t, s, set(k, v), set(1000+i, v))
			maybe[k] = append(maybe[k], v)
			if r.IntN(3) == 0 && h.WaitSyncs {
				wait(t, c)
				settle(maybe, synced)
			} else if r.IntN(10) == 0 {
				if err := s.Sync(); err != nil {
					t.Fatal(err)
				}
				settle(maybe, synced)
			}
		}
		h.Crash(seed)
		s = h.Open()
		for k, v := range synced {
			if got := get(t, s, k); got != v && !slices.Contains(maybe[k], got) {
				t.Fatalf("seed %d: row %d is %q, %q was synced, then came %q", seed, k, got, v, maybe[k])
			}
		}
	}
	closeStore(t, s)
}

// settle: a sync covers all that was applied before it.
func settle(maybe map[int][]string, synced map[int]string) {
	for k, vs := range maybe {
		synced[k] = vs[len(vs)-1]
		delete(maybe, k)
	}
}

// testCrashKeepsPrefix: a crash keeps the first of the batches that were not synced, each whole, and none behind a lost one.
func testCrashKeepsPrefix(t *testing.T, h *Harness) {
	if h.Crash == nil {
		t.Skip("this harness cannot crash")
	}
	s := h.Open()
	for seed := range uint64(crashSeeds) {
		const batches = 40
		base := int(seed) * 1000
		for i := range batches {
			apply(t, s, set(base+2*i, "v"), set(base+2*i+1, "v"))
			if i == 9 {
				if err := s.Sync(); err != nil {
					t.Fatal(err)
				}
			}
		}
		h.Crash(seed)
		s = h.Open()
		kept := 0
		for kept < batches && get(t, s, base+2*kept) != "" {
			kept++
		}
		if kept < 10 {
			t.Fatalf("seed %d: %d batches are left, 10 were synced", seed, kept)
		}
		for i := range batches {
			for j := range 2 {
				if got := get(t, s, base+2*i+j) != ""; got != (i < kept) {
					t.Fatalf("seed %d: %d batches kept, but row %d of batch %d: %v", seed, kept, j, i, got)
				}
			}
		}
	}
	closeStore(t, s)
}
