package clients

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// probe runs the steps of one client and notes how they went.
type probe struct {
	addr   string
	name   string // of the client; keys begin with it
	errors map[string]error
}

var errSkipped = errors.New("an earlier step failed")

// step runs one step, unless the client could not connect.
func (p *probe) step(name string, do func() error) {
	if name != "connect" && p.errors["connect"] != nil {
		p.errors[name] = errSkipped
		return
	}
	p.errors[name] = do()
}

// key is a key of this client, in a slot that few others share.
func (p *probe) key(name string) string { return p.name + ":" + name }

// tagged is a key of the one slot that all tagged keys of this client share.
func (p *probe) tagged(name string) string { return "{" + p.name + "}:" + name }

// many are keys over many slots.
func (p *probe) many(family string, n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprintf("%s:%s:%d", p.name, family, i))
	}
	return keys
}

// want compares what a client returned.
func want(what string, err error, got, expected any) error {
	if err != nil {
		return err
	}
	if fmt.Sprint(got) != fmt.Sprint(expected) {
		return fmt.Errorf("%s is %v, not %v", what, got, expected)
	}
	return nil
}

// wantKeys compares the keys that a scan found, in any order and repeated or
// not, with those it had to find; it may find more.
func wantKeys(found, expected []string) error {
	seen := map[string]bool{}
	for _, k := range found {
		seen[k] = true
	}
	var missing []string
	for _, k := range expected {
		if !seen[k] {
			missing = append(missing, k)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the scan found %d keys and not %s", len(seen), strings.Join(missing, " "))
	}
	for _, k := range slices.Sorted(maps.Keys(seen)) {
		if k == "" {
			return errors.New("the scan found an empty key")
		}
	}
	return nil
}

func wantTTL(err error, seconds float64) error {
	if err == nil && (seconds < 90 || seconds > 100) {
		err = fmt.Errorf("time to live is %v s, not 100", seconds)
	}
	return err
}
