package conf

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

func TestFounders(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:17379":                   "127.0.0.1:17379",
		" A.b:1 ,  10.0.0.1:017379,[::1]:7": "a.b:1,10.0.0.1:17379,[::1]:7",
		"":                                  "",
		"a:1,a:1":                           "refused",
		"a:1,A:1":                           "refused",
		"a":                                 "refused",
		":17379":                            "refused",
		"a:0":                               "refused",
		"0.0.0.0:1":                         "refused",
		"[::]:1":                            "refused",
		"a:1,,b:1":                          "refused",
		"a b:1":                             "refused",
		strings.Repeat("a:1,", 70) + "b:1":  "refused",
	} {
		c, s := Default(), mustLookup(t, "founders")
		got := "refused"
		if err := s.Set(&c, text); err == nil {
			got = strings.Join(c.FounderList(), ",")
		}
		if got != want {
			t.Errorf("founders %q: %q; want %q", text, got, want)
		}
	}
}

func mustLookup(t *testing.T, name string) Setting {
	t.Helper()
	s, ok := Lookup(name)
	if !ok {
		t.Fatalf("no setting %s", name)
	}
	return s
}

func TestGossipKeys(t *testing.T) {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	in64 := base64.StdEncoding.EncodeToString(key)
	c, s := Default(), mustLookup(t, "gossip-key")
	if err := s.Set(&c, strings.Repeat("ab", 32)+", "+in64); err != nil {
		t.Fatal(err)
	}
	if keys := c.GossipKeys(); len(keys) != 2 || keys[0][0] != 0xab || !slices.Equal(keys[1], key) {
		t.Errorf("keys %x", keys)
	}
	for _, bad := range []string{"abcd", in64 + "," + in64 + "," + in64, strings.Repeat("x", 64), ","} {
		if err := s.Set(&c, bad); err == nil || strings.Contains(err.Error(), in64) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestConsistencyWords(t *testing.T) {
	s := mustLookup(t, "consistency.read")
	for text, want := range map[string]string{"quorum": "QUORUM", "3": "3", "one/sloppy": "ONE/SLOPPY", "LOCAL_quorum": "LOCAL_QUORUM", "0": "", "16": "", "LINEAR": "", "+3": "", "": "", "ONE/": ""} {
		c := Default()
		c.ReadLevel = ""
		_ = s.Set(&c, text) // what is refused changes nothing
		if c.ReadLevel != want {
			t.Errorf("level %q: %q; want %q", text, c.ReadLevel, want)
		}
	}
}

// Off loopback nodes talk only under a key and TLS, unless it is said that nobody else is there.
func TestPeersOffLoopback(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Config)
		wants  []string
	}{
		"loopback":      {func(*Config) {}, nil},
		"no founders":   {func(c *Config) { c.Founders, c.Listen = "", ":6379" }, nil},
		"every address": {func(c *Config) { c.Listen = ":6379" }, []string{"setting gossip-key", "setting peer-tls"}},
		"another one":   {func(c *Config) { c.Gossip = "10.0.0.1:17379" }, []string{"setting gossip-key", "setting peer-tls"}},
		"key alone":     {func(c *Config) { c.Peer, c.GossipKey = "10.0.0.1:16379", strings.Repeat("ab", 32) }, []string{"setting peer-tls"}},
		"both":          {func(c *Config) { c.Listen, c.GossipKey, c.PeerTLS = ":6379", strings.Repeat("ab", 32), "tls" }, nil},
		"insecure":      {func(c *Config) { c.Listen, c.Insecure = ":6379", true }, nil},
	} {
		c := Default()
		c.Founders = "127.0.0.1:17379,127.0.0.1:17380"
		tc.change(&c)
		err := c.Validate()
		if (err == nil) != (len(tc.wants) == 0) {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range tc.wants {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not name %s", name, err, want)
			}
		}
	}
}
