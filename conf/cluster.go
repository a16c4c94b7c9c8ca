package conf

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	maxFounders   = 64
	maxPlaceBytes = 63
	gossipKeyLen  = 32
	maxGossipKeys = 2
	maxWeight     = 1_000_000
	maxReplicas   = 15
)

// GossipKeys are the keys of gossip-key, the one that encrypts first.
func (c Config) GossipKeys() [][]byte {
	keys, _ := gossipKeys(c.GossipKey)
	return keys
}

// FounderList is founders as a list, as it was written.
func (c Config) FounderList() []string {
	if c.Founders == "" {
		return nil
	}
	return strings.Split(c.Founders, ",")
}

// JoinList is join as a list, as it was written.
func (c Config) JoinList() []string {
	if c.Join == "" {
		return nil
	}
	return strings.Split(c.Join, ",")
}

// CheckPeers says what is missing for a node to talk to others at the addresses that are set.
func (c Config) CheckPeers() error {
	var errs []error
	if a, err := c.addresses(); err == nil && !c.Insecure && !(isLoopback(a.peer) && isLoopback(a.gossip)) {
		const need = "for links between nodes off loopback, or --insecure"
		if c.GossipKey == "" {
			errs = append(errs, &Error{Setting: "gossip-key", Expected: "a key " + need + ": whoever has it can join; 32 random bytes as 64 hex digits, such as from openssl rand -hex 32"})
		}
		if c.PeerTLS == "" {
			errs = append(errs, &Error{Setting: "peer-tls", Expected: "certificates " + need + ": without, anybody on the way can read and change what nodes tell each other"})
		}
	}
	return errors.Join(errs...)
}

func isLoopback(addr string) bool {
	host, _, err := splitAddress(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || host == "localhost"
}

// founders reads host:port,host:port,... Each has a host and a port to dial.
func founders(field func(*Config) *string) codec {
	return codec{
		Kind: KindText, Expects: fmt.Sprintf("host:gossipport of nodes, 1 to %d of them with commas between, each once", maxFounders),
		set: func(c *Config, text string) bool {
			if strings.TrimSpace(text) == "" {
				*field(c) = ""
				return true
			}
			var list []string
			seen := map[string]bool{}
			for part := range strings.SplitSeq(text, ",") {
				part = strings.ToLower(strings.TrimSpace(part))
				host, port, err := splitAddress(part)
				if err != nil || host == "" || port == 0 || strings.ContainsAny(host, " /?") || seen[part] {
					return false
				}
				if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
					return false
				}
				part = net.JoinHostPort(host, strconv.Itoa(port))
				seen[part] = true
				list = append(list, part)
			}
			if len(list) > maxFounders {
				return false
			}
			*field(c) = strings.Join(list, ",")
			return true
		},
		get: func(c *Config) string { return *field(c) },
	}
}

// CopiesByDC is replicas-by-dc, nil where it is not set.
func (c Config) CopiesByDC() map[string]int {
	byDC, _ := ParseCopies(c.ReplicasByDC)
	return byDC
}

// ParseCopies reads numbers by datacenter: eu=3,us=2. An empty text is no map.
func ParseCopies(text string) (map[string]int, bool) {
	if text == "" {
		return nil, true
	}
	byDC, sum := map[string]int{}, 0
	for part := range strings.SplitSeq(text, ",") {
		dc, number, found := strings.Cut(strings.TrimSpace(part), "=")
		n, err := strconv.Atoi(number)
		if !found || err != nil || n < 1 || dc == "" || len(dc) > maxPlaceBytes || byDC[dc] != 0 {
			return nil, false
		}
		byDC[dc] = n
		sum += n
	}
	return byDC, sum <= maxReplicas
}

// copiesByDC reads such numbers. They print in the order of the names.
func copiesByDC(field func(*Config) *string) codec {
	return codec{
		Kind: KindText, Expects: fmt.Sprintf("numbers by datacenter such as eu=3,us=2, not more than %d together", maxReplicas),
		set: func(c *Config, text string) bool {
			byDC, ok := ParseCopies(strings.TrimSpace(text))
			if !ok {
				return false
			}
			var parts []string
			for _, dc := range slices.Sorted(maps.Keys(byDC)) {
				parts = append(parts, fmt.Sprintf("%s=%d", dc, byDC[dc]))
			}
			*field(c) = strings.Join(parts, ",")
			return true
		},
		get: func(c *Config) string { return *field(c) },
	}
}

// place reads the name of a rack or a datacenter.
func place(what string, field func(*Config) *string) codec {
	return codec{
		Kind: KindText, Expects: fmt.Sprintf("the name of a %s, at most %d bytes of printable text", what, maxPlaceBytes),
		set: func(c *Config, text string) bool {
			if len(text) > maxPlaceBytes || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
				return false
			}
			*field(c) = text
			return true
		},
		get: func(c *Config) string { return *field(c) },
	}
}

// label reads a name of letters, digits, dots, dashes and underscores.
func label(field func(*Config) *string) codec {
	return codec{
		Kind: KindText, Expects: "1 to 63 letters, digits, dots, dashes and underscores",
		set: func(c *Config, text string) bool {
			bad := strings.ContainsFunc(text, func(r rune) bool {
				return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_')
			})
			if text == "" || len(text) > maxPlaceBytes || bad {
				return false
			}
			*field(c) = text
			return true
		},
		get: func(c *Config) string { return *field(c) },
	}
}

// keyList reads the keys of gossip.
func keyList(field func(*Config) *string) codec {
	return codec{
		Kind: KindText, Expects: "32 bytes as 64 hex digits or in base64; while keys are changed two of them with a comma between, the one that encrypts first",
		set: func(c *Config, text string) bool {
			text = strings.TrimSpace(text)
			if _, ok := gossipKeys(text); !ok {
				return false
			}
			*field(c) = text
			return true
		},
		get: func(c *Config) string { return *field(c) },
	}
}

func gossipKeys(text string) ([][]byte, bool) {
	if text == "" {
		return nil, true
	}
	var keys [][]byte
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		key, err := hex.DecodeString(part)
		if err != nil {
			if key, err = base64.StdEncoding.DecodeString(part); err != nil {
				return nil, false
			}
		}
		if len(key) != gossipKeyLen {
			return nil, false
		}
		keys = append(keys, key)
	}
	return keys, len(keys) <= maxGossipKeys
}

const sloppySuffix = "/SLOPPY"

func levelWords() []string {
	return []string{"ANY", "ONE", "TWO", "THREE", "QUORUM", "ALL", "LOCAL_ONE", "LOCAL_QUORUM", "EACH_QUORUM"}
}

// knownLevel is a level in upper case; false when there is none of that name.
func knownLevel(text string) (string, bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	level := strings.TrimSuffix(text, sloppySuffix)
	n, err := strconv.Atoi(level)
	if err == nil && n >= 1 && n <= maxReplicas && strconv.Itoa(n) == level {
		return text, true
	}
	return text, slices.Contains(levelWords(), level)
}

// consistency reads a level as CONSISTENCY does. It prints in upper case.
func consistency(field func(*Config) *string) codec {
	return codec{
		Kind: KindText, Expects: fmt.Sprintf("one of %s or a number from 1 to %d, with %s behind it or not", strings.Join(levelWords(), ", "), maxReplicas, sloppySuffix),
		set: func(c *Config, text string) bool {
			level, ok := knownLevel(text)
			if ok {
				*field(c) = level
			}
			return ok
		},
		get: func(c *Config) string { return *field(c) },
	}
}

func clusterSettings() []Setting {
	return []Setting{
		{
			Name: "founders", Group: groupCluster,
			Doc:   "The first nodes of a new cluster, this one among them, as host:port of their gossip. Nodes that are given one list form the ring by themselves, once all of them are there, and keep it in their data directories; from then on the list is not needed. A node with another list, other replicas or another partition.slots is refused by name. Neither founders nor join set, and no ring in the data directory: the node begins a ring of its own, which others can join.",
			codec: founders(func(c *Config) *string { return &c.Founders }),
		}, {
			Name: "join", Group: groupCluster,
			Doc:   "Nodes of the ring that this node wants to be a member of, as host:port of their gossip: one that answers is enough. The data directory must be empty. The node waits until the ring has made a plan that admits it, by itself or by an operator: see rebalance. Once it is a member its directory knows the ring and the list is not needed.",
			codec: founders(func(c *Config) *string { return &c.Join }),
		}, {
			Name: "rebalance", Group: groupCluster,
			Doc:   "Who plans changes of the ring. `auto`: once the nodes that wait to be admitted have been the same for 10 seconds, the ring admits them by itself. `manual`: they wait for `rondo admin ring plan` and `commit`.",
			codec: enum(func(c *Config) *Rebalance { return &c.Rebalance }, RebalanceAuto, RebalanceManual),
		}, {
			Name: "transfer.rate", Group: groupCluster, Unit: "bytes",
			Doc:   "How many bytes a second this node takes in, or hands over, of partitions that move. `off` sets no bound.",
			codec: size(64*1024, 64*gb, func(c *Config) *int64 { return &c.TransferRate }).orWord(Off, 0, func(c *Config) *int64 { return &c.TransferRate }),
		}, {
			Name: "cluster.name", Group: groupCluster,
			Doc:   "Nodes of clusters with different names do not hear each other. All nodes of a cluster have the same one, for ever.",
			codec: label(func(c *Config) *string { return &c.ClusterName }),
		}, {
			Name: "replicas", Group: groupCluster,
			Doc:   "N, how many nodes keep each key. A ring with fewer nodes keeps as many copies as it has nodes: a single node keeps one. Founders must agree on it; once there is a ring, `rondo admin ring plan --replicas` changes it.",
			codec: integer(1, maxReplicas, func(c *Config) *int { return &c.Replicas }),
		}, {
			Name: "replicas-by-dc", Group: groupCluster,
			Doc:   "N by datacenter, such as `eu=3,us=2`: each places its own copies, and replicas is not looked at. Datacenters that are not named hold nothing. Founders must agree on it; once there is a ring, `rondo admin ring plan --replicas` changes it.",
			codec: copiesByDC(func(c *Config) *string { return &c.ReplicasByDC }),
		}, {
			Name: "consistency.read", Group: groupCluster,
			Doc:   "How many replicas a read asks, where neither the client says so with CONSISTENCY or AT, nor its user, nor a rule of keyspaces. docs/consistency.md says what each level promises.",
			codec: consistency(func(c *Config) *string { return &c.ReadLevel }),
		}, {
			Name: "consistency.write", Group: groupCluster,
			Doc:   "How many replicas must have a write before it is acknowledged, where nothing else says so.",
			codec: consistency(func(c *Config) *string { return &c.WriteLevel }),
		}, {
			Name: "keyspaces", Group: groupCluster,
			Doc:   "Consistency levels by key: rules of which the one with the longest prefix of a key holds, for clients that say nothing with CONSISTENCY or AT and whose user has no level. Of a command with several keys, that of the keys whose level asks for most replicas. All nodes should have the same rules: a level is looked up by the node that the client asks. In the file it is a list; as a flag or a variable the same list on one line.",
			codec: keyspaces(func(c *Config) *string { return &c.Keyspaces }),
		}, {
			Name: "rack", Group: groupCluster,
			Doc:   "What fails together: replicas of a key are put into different racks where there are enough. Not set: a rack of its own. Fixed once the node is a member.",
			codec: place("rack", func(c *Config) *string { return &c.Rack }),
		}, {
			Name: "dc", Group: groupCluster,
			Doc:   "Datacenter of this node, for LOCAL_ONE, LOCAL_QUORUM and EACH_QUORUM. Fixed once the node is a member.",
			codec: place("datacenter", func(c *Config) *string { return &c.DC }),
		}, {
			Name: "weight", Group: groupCluster,
			Doc:   "Share of the data relative to the other nodes, for unequal hardware. Once the node is a member, `rondo admin ring plan --weight` changes it.",
			codec: integer(1, maxWeight, func(c *Config) *int { return &c.Weight }),
		},
	}
}

// peerSettings are those of how nodes find and trust each other.
func peerSettings() []Setting {
	return []Setting{
		{
			Name: "peer-advertise", Group: groupCluster,
			Doc:   "The host at which other nodes reach this one, for peer and gossip. Not set: that of this node among the founders, else the address that is bound.",
			codec: advertised(func(c *Config) *string { return &c.PeerAdvertise }),
		}, {
			Name: "gossip-key", Group: groupCluster, Secret: true,
			Doc:   "Key that encrypts gossip (AES-256): a node without it is not heard. Demanded off loopback.",
			codec: keyList(func(c *Config) *string { return &c.GossipKey }),
		}, {
			Name: "peer-tls", Group: groupCluster,
			Doc:   "Directory with node.crt, node.key and ca.crt, in PEM, for TLS on the links between nodes: the certificate of this node, which names it as rondo://node/<id> among its URIs (`rondo admin node id` prints that of a data directory), its key, and who signs those of nodes. Demanded off loopback.",
			codec: filePath("the path of a directory", true, func(c *Config) *string { return &c.PeerTLS }),
		}, {
			Name: "insecure", Group: groupCluster,
			Doc:   "Let nodes talk off loopback without gossip-key and peer-tls, for a network where nobody else is.",
			codec: boolean(func(c *Config) *bool { return &c.Insecure }),
		},
	}
}
