package server

import (
	"slices"
	"strings"
	"testing"
)

// On the forward face of a ring with more nodes than copies, most keys are of other nodes: commands over several slots are
// scattered, a MULTI runs slot by slot, and each gets the replies of one Redis.
func TestSeveralSlotsOverNodes(t *testing.T) {
	w := newTown(t, 5, 3)
	for i, r := range w.servers {
		c := r.dial(r.forward)
		p := string(rune('a' + i)) // keys of its own
		for _, s := range []struct{ reply, words string }{
			{"OK", "MSET %x 1 %y 2 %z 3 %x 4"}, // the last of a key that is named twice holds
			{`["4" "3" nil "4" "2"]`, "MGET %x %z %nosuch %x %y"},
			{":4", "EXISTS %x %y %x %z %nosuch"},
			{":2", "TOUCH %x %nosuch %y"},
			{":2", "DEL %x %nosuch %y %x"},
			{":1", "UNLINK %x %y %z %z"},
			{`[nil nil nil]`, "MGET %x %y %z"},
			{"-ERR wrong number of arguments for 'mset' command", "MSET %x 1 %y"},
			{"-CROSSSLOT Keys in request don't hash to the same slot", "MSETNX %x 1 %y 2"},
			{"-CROSSSLOT Keys in request don't hash to the same slot", "RENAME %x %y"},
			{"-CROSSSLOT Keys in request don't hash to the same slot", "COPY %x %y"},
			{":1", "MSETNX {%}1 1 {%}2 2"},
			{"OK", "RENAME {%}1 {%}3"},
			{"OK", "SELECT 5"},
			{"OK", "MSET %x five %y five"},
			{"OK", "SELECT 0"},
			{"OK", "MULTI"},
			{"QUEUED", "SET %x 1"},
			{"QUEUED", "SET %y 10"},
			{"QUEUED", "INCR %x"},
			{"QUEUED", "MGET %x %y %z"},
			{"QUEUED", "INCRBY %y 5"},
			{"QUEUED", "PING"},
			{"QUEUED", "SELECT 5"},
			{"QUEUED", "MGET %x %y"},
			{"QUEUED", "SELECT 0"},
			{"QUEUED", "DEL %x %y %z"},
			{"QUEUED", "EXISTS %x %y"},
			{`[OK OK :2 ["2" "10" nil] :15 PONG OK ["five" "five"] OK :2 :0]`, "EXEC"},
			{"OK", "WATCH {%}3"},
			{"OK", "MULTI"},
			{"QUEUED", "SET {%}3 1"},
			{"QUEUED", "SET %x 1"},
			{"-CROSSSLOT Keys in request don't hash to the same slot", "EXEC"},
			{"-CROSSSLOT Keys in request don't hash to the same slot", "WATCH %x %y"},
			{":0", "EXISTS %x"},
		} {
			c.want(s.reply, strings.Fields(strings.ReplaceAll(s.words, "%", p+"-"))...)
		}
		if info := c.do("INFO", "rondo").Str; !strings.Contains(info, "transactions_over_slots:1\r\n") {
			t.Errorf("INFO: %s", info)
		}
	}
}

// A slot that cannot be served fails alone: the commands on the others are done, and each reply says what is true of its own.
func TestMultiOverSlotsOfTheDead(t *testing.T) {
	w := newTown(t, 5, 3)
	dead := []int{3, 4}
	var good, bad string
	for i := 0; good == "" || bad == ""; i++ {
		key := "k" + string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		homes, _ := w.homesOf(key)
		gone := 0
		for _, h := range homes {
			if slices.Contains(dead, h) {
				gone++
			}
		}
		switch gone {
		case 2:
			bad = key
		default:
			good = key
		}
	}
	w.kill(dead[0], 2)
	w.kill(dead[1], 3)
	c := w.servers[0].dial(w.servers[0].forward)
	const why = "UNAVAILABLE need 2 of 3 home replicas, 1 reachable"
	c.want("OK", "MULTI")
	c.want("QUEUED", "SET", good, "1")
	c.want("QUEUED", "SET", bad, "1")
	c.want("QUEUED", "INCR", good)
	c.want("QUEUED", "MSET", good, "7", bad, "7")
	c.want("[OK -"+why+" :2 -PARTIAL done in 1 of 2 slots; "+why+"]", "EXEC")
	c.want(`"7"`, "GET", good)
	c.want("-PARTIAL done in 1 of 2 slots; "+why, "MSET", good, "8", bad, "8")
	c.want("-"+why, "MGET", good, bad)
	c.want("-"+why, "EXISTS", good, bad)
	c.want("-PARTIAL done in 1 of 2 slots; "+why, "DEL", good, bad)
	c.want("nil", "GET", good)
	c.want("OK", "AT", "ONE", "MSET", good, "9", bad, "9")
	c.want(`["9" "9"]`, "AT", "ONE", "MGET", good, bad)
}
