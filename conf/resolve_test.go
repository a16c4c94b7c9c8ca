package conf

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
)

func TestDerivedAddresses(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   Config // only addresses
		want string // listen forward peer gossip admin
		err  string // name of the setting that is refused, and why
	}{
		{"defaults", Config{Listen: "127.0.0.1:6379"}, "127.0.0.1:6379 127.0.0.1:7379 127.0.0.1:16379 127.0.0.1:17379 127.0.0.1:18379", ""},
		{"another port", Config{Listen: "10.0.0.1:7001"}, "10.0.0.1:7001 10.0.0.1:8001 10.0.0.1:17001 10.0.0.1:18001 10.0.0.1:19001", ""},
		{"every address", Config{Listen: ":7001"}, ":7001 :8001 :17001 :18001 :19001", ""},
		{"IPv6", Config{Listen: "[::1]:7001"}, "[::1]:7001 [::1]:8001 [::1]:17001 [::1]:18001 [::1]:19001", ""},
		{"any port", Config{Listen: "127.0.0.1:0"}, "127.0.0.1:0 127.0.0.1:0 127.0.0.1:0 127.0.0.1:0 127.0.0.1:0", ""},
		{"any port but one", Config{Listen: "127.0.0.1:0", Admin: "127.0.0.1:9100"}, "127.0.0.1:0 127.0.0.1:0 127.0.0.1:0 127.0.0.1:0 127.0.0.1:9100", ""},
		{"off", Config{Listen: "127.0.0.1:6379", Forward: Off, Admin: Off}, "127.0.0.1:6379 off 127.0.0.1:16379 127.0.0.1:17379 off", ""},
		{"highest", Config{Listen: "127.0.0.1:53535"}, "127.0.0.1:53535 127.0.0.1:54535 127.0.0.1:63535 127.0.0.1:64535 127.0.0.1:65535", ""},
		{"one too high", Config{Listen: "127.0.0.1:53536"}, "", "setting admin: expected a port of at most 65535, but listen's port 53536 + 12000 is 65536; set --admin"},
		{"too high but closed", Config{Listen: "127.0.0.1:53536", Admin: Off}, "127.0.0.1:53536 127.0.0.1:54536 127.0.0.1:63536 127.0.0.1:64536 off", ""},
		{"all too high", Config{Listen: "127.0.0.1:65000"}, "", "setting forward"},
		{"same twice", Config{Listen: "127.0.0.1:6379", Admin: "127.0.0.1:7379"}, "", "setting admin = \"127.0.0.1:7379\": expected an address of its own; forward has this one"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := Default()
			c.Listen, c.Forward, c.Admin = tc.in.Listen, tc.in.Forward, tc.in.Admin
			r, err := c.Resolve(Machine{})
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error %v; want %s", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(r.Listen, " ", r.Forward, " ", r.Peer, " ", r.Gossip, " ", r.Admin); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if again, err := r.Resolve(Machine{}); err != nil || again != r {
				t.Errorf("resolved twice: %+v, %v", again, err)
			}
		})
	}
}

func TestAllBadAddressesAreNamed(t *testing.T) {
	c := Default()
	c.Listen = "127.0.0.1:65000"
	err := c.Validate()
	for _, name := range []string{"forward", "peer", "gossip", "admin"} {
		if err == nil || !strings.Contains(err.Error(), "setting "+name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}

func TestValidateNamesTheSetting(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"maxclients":         func(c *Config) { c.MaxClients = 0 },
		"durability":         func(c *Config) { c.Durability = "" },
		"partition.slots":    func(c *Config) { c.PartitionSlots = 12 },
		"proto-max-bulk-len": func(c *Config) { c.MaxBulk = 1 },
		"cache.rows":         func(c *Config) { c.CacheRows = -2 },
		"operation-timeout":  func(c *Config) { c.OperationTimeout = 0 },
		"dir":                func(c *Config) { c.Dir = "" },
	} {
		c := Default()
		spoil(&c)
		var e *Error
		if err := c.Validate(); !errors.As(err, &e) || e.Setting != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAutoIsAShare(t *testing.T) {
	for _, tc := range []struct {
		m                          Machine
		limit, cache, diskReserved int64
	}{
		{Machine{MemoryBytes: 16 * gb, DiskBytes: 50 * gb}, 13107 * mb, 2 * gb, 512 * mb},
		{Machine{MemoryBytes: 256 * mb, DiskBytes: 1 * gb}, 204 * mb, 64 * mb, 64 * mb},
		{Machine{MemoryBytes: 512 * gb, DiskBytes: 8 * tb}, 419430 * mb, 8 * gb, 1 * gb},
	} {
		r, err := Default().Resolve(tc.m)
		if err != nil {
			t.Fatal(err)
		}
		if r.MemoryLimit != tc.limit || r.CacheRows != tc.cache || r.CacheBlocks != tc.cache || r.DiskReserve != tc.diskReserved {
			t.Errorf("%+v: limit %d, rows %d, blocks %d, reserve %d", tc.m, r.MemoryLimit, r.CacheRows, r.CacheBlocks, r.DiskReserve)
		}
	}
	c := Default()
	c.MemoryLimit, c.CacheRows, c.CacheBlocks, c.DiskReserve = 0, 1*mb, 2*mb, 3*mb
	if r, err := c.Resolve(Machine{MemoryBytes: 16 * gb}); err != nil || r.MemoryLimit != 0 || r.CacheRows != 1*mb || r.CacheBlocks != 2*mb || r.DiskReserve != 3*mb {
		t.Errorf("set values changed: %+v, %v", r, err)
	}
}

func TestMemoryBytes(t *testing.T) {
	const meminfo = "MemTotal:       24684020 kB\nMemFree: 1 kB\n"
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing known", nil, assumedMemory},
		{"machine", map[string]string{"proc/meminfo": meminfo}, 24684020 * kb},
		{"no limit", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/app\n", "sys/fs/cgroup/app/memory.max": "max\n"}, 24684020 * kb},
		{"own group", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "1073741824\n"}, gb},
		{"a parent's is lower", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "2147483648\n", "sys/fs/cgroup/a/memory.max": "1073741824\n"}, gb},
		{"in a container", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "536870912\n"}, 512 * mb},
		{"version 1", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/docker/x\n3:cpu:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n"}, 512 * mb},
		{"version 1 without a limit", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 24684020 * kb},
		{"unreadable", map[string]string{"proc/meminfo": "MemTotal: lots kB\n", "proc/self/cgroup": "junk\n0::\n"}, assumedMemory},
	} {
		root := fstest.MapFS{}
		for name, text := range tc.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := memoryBytes(root); got != tc.want {
			t.Errorf("%s: %d; want %d", tc.name, got, tc.want)
		}
	}
}

func TestProbe(t *testing.T) {
	m := Probe(t.TempDir() + "/not/there/yet")
	if m.MemoryBytes < 64*mb {
		t.Errorf("memory %d", m.MemoryBytes)
	}
	if m.DiskBytes < 64*mb {
		t.Errorf("disk %d", m.DiskBytes)
	}
}

func TestAdvertiseAddr(t *testing.T) {
	local := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("fe80::1"), netip.MustParseAddr("2001:db8::9"), netip.MustParseAddr("192.168.1.20")}
	for _, tc := range []struct {
		name, advertise, bound string
		local                  []netip.Addr
		want                   string // empty: refused
	}{
		{"loopback", "", "127.0.0.1:6379", local, "127.0.0.1:6379"},
		{"one address", "", "10.0.0.5:7001", nil, "10.0.0.5:7001"},
		{"every address", "", "0.0.0.0:6379", local, "192.168.1.20:6379"},
		{"every IPv6 address", "", "[::]:6379", local, "192.168.1.20:6379"},
		{"only IPv6 outside", "", "[::]:6379", local[:3], "[2001:db8::9]:6379"},
		{"nothing outside", "", "[::]:6379", local[:2], ""},
		{"host", "db.example.com", "0.0.0.0:6379", nil, "db.example.com:6379"},
		{"host and port", "db.example.com:6380", "0.0.0.0:6379", nil, "db.example.com:6380"},
		{"IPv6 host", "2001:db8::7", "0.0.0.0:6379", nil, "[2001:db8::7]:6379"},
		{"IPv6 host in brackets", "[2001:db8::7]", "0.0.0.0:6379", nil, "[2001:db8::7]:6379"},
		{"IPv6 host and port", "[2001:db8::7]:6380", "0.0.0.0:6379", nil, "[2001:db8::7]:6380"},
		{"IPv4 in IPv6", "", "[::ffff:10.0.0.5]:7001", nil, "10.0.0.5:7001"},
	} {
		c := Default()
		c.Advertise = tc.advertise
		if err := c.Validate(); err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		got, err := c.AdvertiseAddr(netip.MustParseAddrPort(tc.bound), tc.local)
		if got != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s: %q, %v; want %q", tc.name, got, err, tc.want)
		}
		if err != nil && !strings.Contains(err.Error(), "advertise") {
			t.Errorf("%s: the error does not name the setting: %v", tc.name, err)
		}
	}
}
