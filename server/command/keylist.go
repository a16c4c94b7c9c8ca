package command

import (
	"bytes"

	"github.com/rondokv/rondo/engine/object"
)

// keyList is the read set of an operation on several keys, no two equal however often an argument names one.
type keyList struct {
	keys []object.KeyRef
	// place[i] is the index in keys of the i-th argument that names a key; nil when they are in step.
	place []int32
	one   [1]object.KeyRef
}

// at returns the index in keys of the i-th argument that names a key.
func (l *keyList) at(i int) int {
	if l.place == nil {
		return i
	}
	return int(l.place[i])
}

// named returns how many arguments name a key.
func (l *keyList) named() int {
	if l.place == nil {
		return len(l.keys)
	}
	return len(l.place)
}

// fewKeys is up to how many keys comparing each with each beats a map.
const fewKeys = 8

// fill takes every step-th argument for a key. It is called once, when l is where it will stay.
func (l *keyList) fill(args [][]byte, step int, db uint8) {
	n := (len(args) + step - 1) / step
	if n == 1 {
		l.one[0] = object.KeyRef{DB: db, Name: args[0]}
		l.keys = l.one[:]
		return
	}
	l.keys = make([]object.KeyRef, 0, n)
	var seen map[string]int32
	if n > fewKeys {
		seen = make(map[string]int32, n)
	}
	for i := range n {
		name := args[i*step]
		p := int32(len(l.keys))
		if old, ok := l.find(seen, name); ok {
			p = old
		} else {
			l.keys = append(l.keys, object.KeyRef{DB: db, Name: name})
			if seen != nil {
				seen[string(name)] = p
			}
		}
		if int(p) != i && l.place == nil {
			l.place = make([]int32, i, n)
			for j := range l.place {
				l.place[j] = int32(j)
			}
		}
		if l.place != nil {
			l.place = append(l.place, p)
		}
	}
}

func (l *keyList) find(seen map[string]int32, name []byte) (int32, bool) {
	if seen != nil {
		p, ok := seen[string(name)]
		return p, ok
	}
	for i := range l.keys {
		if bytes.Equal(l.keys[i].Name, name) {
			return int32(i), true
		}
	}
	return 0, false
}

// Reads implements Op.
func (l *keyList) Reads() object.ReadSet { return object.ReadSet{Keys: l.keys} }
