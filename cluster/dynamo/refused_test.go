package dynamo

import (
	"strings"
	"testing"
)

// TestRefusedEverywhere has the store refuse a batch in each place where the core makes one, and then takes the refusal back.
// Each script ends, healed, with equal replicas, no hints and nothing under way: see stage.settle.
func TestRefusedEverywhere(t *testing.T) {
	for name, script := range map[string]string{
		"a blind write at the primary": `
			full a
			a: SET k 1
			expect #1 ERROR
			expect k=nil at a b c`,
		"a write that gathered": `
			a: SET k 1
			full a
			a: APPEND k 2
			expect #2 ERROR
			expect k=1 at a b c`,
		"a write of several ticks": `
			full a
			a: MULTI SET x 1 ; INCR y
			expect #1 ERROR
			expect x=nil at a b c`,
		"a write that a peer passed on": `
			full a
			e: SET k 1
			expect #1 ERROR
			expect k=nil at a b c`,
		"a read that would store what it shows": `
			cut a->c
			cut a->d
			a: SET k 1
			heal
			full c
			c: GET k
			expect #2 1`,
		"a replica": `
			full b
			a: SET k 1
			expect #1 OK
			expect k=nil at b`,
		"a replica of a read's write-back": `
			cut a->b
			cut a->c
			cut a->d
			cut a->e
			a: SET k 1 ONE
			heal
			full b
			full c
			a: GET k
			expect #2 TIMEOUT`,
		"a second stamping": `
			clock a +3s
			cut a-b
			a: SET x 1
			down a
			hold hidden
			b: SET x 2
			full b
			release
			expect #2 TIMEOUT`,
		"a fallback that should keep a hint": `
			down c
			full d
			a: SET k 1
			expect #1 OK
			advance 1s
			up c`,
		"a primary that should keep a hint itself": `
			down c
			cut a->d
			cut a->e
			a: SET k 1
			full a
			advance 1s
			room a
			up c`,
		"a hint that should go": `
			down c
			a: SET k 1
			full d
			up c
			advance 2s
			expect k=1 at c`,
		"a fallback without home replicas": `
			down a
			down b
			down c
			full d
			d: SET k 1 ANY
			expect #1 ERROR
			e: SET k 2 ANY
			expect #2 ERROR`,
		"a replica that is repaired": `
			cut a->c
			cut a->d
			a: SET k 1
			heal
			full c
			a: GET k ALL
			expect #2 TIMEOUT`,
	} {
		t.Run(name, func(t *testing.T) {
			told, err := tell("cluster nodes=5 replicas=3\n" + strings.ReplaceAll(script, "\t", "") + "\n")
			if err != nil {
				t.Fatalf("%v\n%s", err, told)
			}
		})
	}
}
