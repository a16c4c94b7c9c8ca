package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// The cluster clients of Java and .NET do not run here. What they demand of the map is written down as readers of the same
// strictness, after their sources, and every topology that a ring can show must pass all of them:
//
//   - Jedis: redis/jedis, JedisClusterInfoCache.java
//   - Lettuce: redis/lettuce, cluster/models/partitions/ClusterPartitionParser.java
//   - StackExchange.Redis: StackExchange/StackExchange.Redis, ClusterConfiguration.cs
type clientMap map[int]string // slot -> host:port

// jedisMap reads CLUSTER SLOTS as Jedis does: it refuses an empty list and one with holes ("Cluster slots have holes."), takes
// the third element of a row for the master, its first element for a string of bytes and its second for an integer: a null host
// fails on the cast.
func jedisMap(v resp.Value) (clientMap, error) {
	if v.Kind != resp.KindArray || len(v.Elems) == 0 {
		return nil, fmt.Errorf("cluster slots list is empty")
	}
	m := clientMap{}
	total := 0
	for _, row := range v.Elems {
		from, to := row.Elems[0], row.Elems[1]
		if from.Kind != resp.KindInt || to.Kind != resp.KindInt {
			return nil, fmt.Errorf("slot is a %v", from.Kind)
		}
		for _, node := range row.Elems[2:] {
			if len(node.Elems) < 2 || node.Elems[0].Kind != resp.KindBulk || node.Elems[1].Kind != resp.KindInt {
				return nil, fmt.Errorf("node %+v", node)
			}
		}
		master := row.Elems[2].Elems
		for slot := int(from.Int); slot <= int(to.Int); slot++ {
			m[slot] = fmt.Sprintf("%s:%d", master[0].Str, master[1].Int)
			total++
		}
	}
	if total != object.SlotCount || len(m) != object.SlotCount {
		return nil, fmt.Errorf("cluster slots have holes: %d named, %d of them different", total, len(m))
	}
	return m, nil
}

// lettuceMap reads CLUSTER NODES as Lettuce does: lines end in \n (a \r would become part of the last slot), words are parted by
// single spaces, the cport is cut off at the @, ping, pong and epoch must be longs, slots integers; what fails fails the
// whole map. Flags that it does not know are left out.
func lettuceMap(text string) (clientMap, error) {
	m := clientMap{}
	for _, line := range strings.Split(text, "\n") {
		if line == "" {
			continue
		}
		words := strings.Split(line, " ")
		if len(words) < 8 {
			return nil, fmt.Errorf("%d words in %q", len(words), line)
		}
		address, _, _ := strings.Cut(words[1], "@")
		host, port := cutLast(address)
		if n, err := strconv.Atoi(port); err != nil || n == 0 || host == "" {
			return nil, fmt.Errorf("address %q", words[1])
		}
		for _, number := range words[4:7] {
			if _, err := strconv.ParseInt(number, 10, 64); err != nil {
				return nil, fmt.Errorf("number %q", number)
			}
		}
		for _, run := range words[8:] {
			first, last, several := strings.Cut(run, "-")
			if !several {
				last = first
			}
			a, err := strconv.Atoi(first)
			b, err2 := strconv.Atoi(last)
			if err != nil || err2 != nil || b >= object.SlotCount {
				return nil, fmt.Errorf("slots %q", run)
			}
			for ; a <= b; a++ {
				m[a] = address
			}
		}
	}
	return m, nil
}

// stackExchangeMap reads CLUSTER NODES as StackExchange.Redis does: parts by index, slots from the ninth on, what is no range of
// digits is left out without a word; an address that does not parse drops the node, of two nodes at one address the one that is
// not "connected" gives way, and a slot is the first node's that is no replica and serves it.
func stackExchangeMap(text string) (clientMap, error) {
	m, seen, myself := clientMap{}, map[string]bool{}, 0
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		parts := strings.Split(line, " ")
		flags := strings.Split(parts[2], ",")
		address, _, _ := strings.Cut(parts[1], "@")
		if host, _ := cutLast(address); host == "" || slices.Contains(flags, "noaddr") {
			return nil, fmt.Errorf("node without an address: %q", line)
		}
		if seen[address] {
			return nil, fmt.Errorf("two nodes at %s", address)
		}
		seen[address] = true
		if slices.Contains(flags, "myself") {
			myself++
		}
		if parts[7] != "connected" && parts[7] != "disconnected" {
			return nil, fmt.Errorf("link state %q", parts[7])
		}
		if slices.Contains(flags, "slave") || slices.Contains(flags, "replica") {
			continue
		}
		for _, run := range parts[8:] {
			if strings.Trim(run, "0123456789-") != "" {
				continue
			}
			first, last, several := strings.Cut(run, "-")
			if !several {
				last = first
			}
			a, _ := strconv.ParseInt(first, 10, 16)
			b, _ := strconv.ParseInt(last, 10, 16)
			for ; a <= b; a++ {
				if _, taken := m[int(a)]; !taken {
					m[int(a)] = address
				}
			}
		}
	}
	if myself != 1 {
		return nil, fmt.Errorf("%d nodes are myself", myself)
	}
	return m, nil
}

func cutLast(address string) (host, port string) {
	i := strings.LastIndexByte(address, ':')
	return address[:max(i, 0)], address[i+1:]
}

func TestMapsOfClientsThatDoNotRunHere(t *testing.T) {
	decoded := func(v resp.Value) resp.Value {
		got, n, err := resp.Decode([]byte(v.Str))
		if err != nil || n != len(v.Str) {
			t.Fatalf("%v after %d of %d bytes", err, n, len(v.Str))
		}
		return got
	}
	six := view(3, 3)
	six.Members[0].Host, six.Members[1].Host, six.Members[2].Host = "::1", "fd00::2", "c.example"
	for name, v := range map[string]View{
		"three": view(3, 3), "five": view(5, 3), "one of five dead": view(5, 3, 2), "two of five dead": view(5, 3, 2, 3),
		"all but one dead": view(5, 3, 2, 3, 4, 5), "addresses of all kinds": six,
	} {
		topo := mustTopology(t, v)
		s := topo.spelled()
		want := clientMap{}
		for _, m := range topo.Members {
			for _, r := range m.Slots {
				for slot := r.First; slot <= r.Last; slot++ {
					want[int(slot)] = m.Host + ":" + strconv.Itoa(m.Port)
				}
			}
		}
		for client, read := range map[string]func() (clientMap, error){
			"Jedis, RESP2":        func() (clientMap, error) { return jedisMap(decoded(s.slots[0])) },
			"Jedis, RESP3":        func() (clientMap, error) { return jedisMap(decoded(s.slots[1])) },
			"Lettuce":             func() (clientMap, error) { return lettuceMap(s.nodes) },
			"StackExchange.Redis": func() (clientMap, error) { return stackExchangeMap(s.nodes) },
		} {
			got, err := read()
			if err != nil {
				t.Errorf("%s: %s: %v", name, client, err)
				continue
			}
			for slot := range object.SlotCount {
				if got[slot] != want[slot] {
					t.Errorf("%s: %s: slot %d is at %q, not %q", name, client, slot, got[slot], want[slot])
					break
				}
			}
		}
	}
}

// The replies of one ring, byte for byte: whoever changes them must know that clients take them.
func TestGoldenMap(t *testing.T) {
	s := mustTopology(t, View{Version: 1, Epoch: 4, Self: 2, Members: members(3, 3), Lists: lists(3, 2)[:2]}).spelled()
	a, b, c := ClientNodeID(1), ClientNodeID(2), ClientNodeID(3)
	nodes := a + " 10.0.0.1:7001@17001 master - 0 0 4 connected 0-8191\n" +
		b + " 10.0.0.2:7002@17002 myself,master - 0 0 4 connected 8192-16383\n" +
		c + " 10.0.0.3:7003@17003 master,fail - 0 0 4 disconnected\n"
	if s.nodes != nodes {
		t.Errorf("NODES: %s", s.nodes)
	}
	slots := "*2\r\n*3\r\n:0\r\n:8191\r\n*4\r\n$8\r\n10.0.0.1\r\n:7001\r\n$40\r\n" + a + "\r\n*0\r\n" +
		"*3\r\n:8192\r\n:16383\r\n*4\r\n$8\r\n10.0.0.2\r\n:7002\r\n$40\r\n" + b + "\r\n*0\r\n"
	if s.slots[0].Str != slots {
		t.Errorf("SLOTS: %q", s.slots[0].Str)
	}
	if want := strings.ReplaceAll(slots, "*0\r\n", "%0\r\n"); s.slots[1].Str != want {
		t.Errorf("SLOTS in RESP3: %q", s.slots[1].Str)
	}
}
