package server

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// maxErrorCodes bounds how many codes are told apart; the codes are the
// server's own words, so this many are never met.
const maxErrorCodes = 128

// errorStats counts error replies by their code, the first word.
type errorStats struct {
	mu     sync.Mutex
	counts map[string]int64
}

type errorCount struct {
	code  string
	count int64
}

// add counts an error reply, given its text.
func (e *errorStats) add(text string) {
	code, _, _ := strings.Cut(text, " ")
	e.mu.Lock()
	defer e.mu.Unlock()
	if n, known := e.counts[code]; known {
		e.counts[code] = n + 1
		return
	}
	if e.counts == nil {
		e.counts = make(map[string]int64)
	}
	if len(e.counts) < maxErrorCodes {
		e.counts[strings.Clone(code)] = 1 // not a piece of the whole text
	}
}

// all are the counts by code.
func (e *errorStats) all() []errorCount {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []errorCount
	for _, code := range slices.Sorted(maps.Keys(e.counts)) {
		out = append(out, errorCount{code, e.counts[code]})
	}
	return out
}

func (e *errorStats) reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.counts)
}
