package core

import (
	"maps"
	"slices"
)

func leaks(m map[string]int) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

func sum(m map[string]int) (n int) {
	//lint:sorted a sum is the same in any order
	for _, v := range m {
		n += v
	}
	for _, v := range m { //lint:sorted
		n += v
	}
	return n
}

func fine(m map[string]int) []string   { return slices.Sorted(maps.Keys(m)) }
func unsure(m map[string]int) []string { return slices.Collect(maps.Keys(m)) }
