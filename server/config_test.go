package server

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
)

// settingsTable is a ConfigTable of three settings.
type settingsTable struct {
	mu         sync.Mutex
	maxClients int
	slowlogLen int
	rewritten  int
	disk       error
}

func (t *settingsTable) Items() []ConfigItem {
	t.mu.Lock()
	defer t.mu.Unlock()
	return []ConfigItem{{"maxclients", strconv.Itoa(t.maxClients)}, {"slowlog-max-len", strconv.Itoa(t.slowlogLen)}, {"dir", "/d"}}
}

func (t *settingsTable) Set(changes []ConfigItem) (Settings, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := DefaultSettings()
	next.MaxClients, next.SlowlogMaxLen = t.maxClients, t.slowlogLen
	for _, c := range changes {
		n, err := strconv.Atoi(c.Value)
		switch {
		case c.Name == "dir":
			return Settings{}, &ConfigError{Name: "dir", Immutable: true}
		case err != nil:
			return Settings{}, fmt.Errorf("set: %w", &ConfigError{Name: c.Name, Reason: "expected a number"})
		case c.Name == "maxclients":
			next.MaxClients = n
		default:
			next.SlowlogMaxLen = n
		}
	}
	t.maxClients, t.slowlogLen = next.MaxClients, next.SlowlogMaxLen
	return next, nil
}

func (t *settingsTable) Rewrite() error {
	t.rewritten++
	return t.disk
}

func TestConfig(t *testing.T) {
	table := &settingsTable{maxClients: 100, slowlogLen: 128}
	b := newRig(t, func(o *Options) { o.Config, o.ConfigFile, o.Settings.MaxClients = table, "rondo.yaml", 100 })
	c := b.dial(b.forward)
	c.want(`["maxclients" "100"]`, "CONFIG", "GET", "MaxC*", "maxclients")
	c.want(`["maxclients" "100" "maxmemory" "0" "maxmemory-policy" "noeviction"]`, "CONFIG", "GET", "max*")
	c.want(`["appendonly" "yes" "save" ""]`, "CONFIG", "GET", "save", "appendonly")
	c.do("HELLO", "3")
	c.want(`{"slowlog-max-len" "128"}`, "CONFIG", "GET", "slowlog-*")

	c.want("OK", "CONFIG", "SET", "MAXCLIENTS", "50", "slowlog-max-len", "7")
	if s := b.srv.Settings(); s.MaxClients != 50 || s.SlowlogMaxLen != 7 {
		t.Errorf("in force: %+v", s)
	}
	c.want(`{"maxclients" "50"}`, "CONFIG", "GET", "maxclients")

	// All or nothing, in Redis's words.
	c.want("-ERR CONFIG SET failed (possibly related to argument 'slowlog-max-len') - expected a number", "CONFIG", "SET", "maxclients", "9", "slowlog-max-len", "x")
	c.want("-ERR CONFIG SET failed (possibly related to argument 'dir') - can't set immutable config", "CONFIG", "SET", "maxclients", "9", "dir", "1")
	c.want("-ERR CONFIG SET failed (possibly related to argument 'save') - can't set immutable config", "CONFIG", "SET", "maxclients", "9", "save", "")
	c.want("-ERR CONFIG SET failed (possibly related to argument 'maxclients') - duplicate parameter", "CONFIG", "SET", "maxclients", "9", "maxclients", "8")
	c.want("-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'", "CONFIG", "SET", "maxclients", "9", "nosuch", "1")
	c.want("-ERR syntax error", "CONFIG", "SET", "maxclients", "9", "timeout")
	if s := b.srv.Settings(); s.MaxClients != 50 {
		t.Errorf("a refused CONFIG SET changed maxclients to %d", s.MaxClients)
	}

	c.want("OK", "CONFIG", "REWRITE")
	table.disk = errors.New("no room")
	c.want("-ERR Rewriting config file: no room", "CONFIG", "REWRITE")
	if table.rewritten != 2 {
		t.Errorf("rewritten %d times", table.rewritten)
	}
	b.dial(b.cluster).want(`["databases" "1"]`, "CONFIG", "GET", "databases")
}

func TestResetStat(t *testing.T) {
	b := newRig(t)
	c := b.dial(b.forward)
	c.do("GET", "a")
	c.do("NOSUCH")
	c.want("OK", "CONFIG", "RESETSTAT")
	_, f := infoFields(t, c.do("INFO", "everything").Str)
	for name, want := range map[string]string{"keyspace_misses": "0", "cmdstat_get": "", "errorstat_ERR": "", "total_error_replies": "0", "connected_clients": "1"} {
		if f[name] != want {
			t.Errorf("%s:%s, want %q", name, f[name], want)
		}
	}
}
