package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/server"
)

func item(t *testing.T, s *settings, name string) string {
	t.Helper()
	for _, i := range s.Items() {
		if i.Name == name {
			return i.Value
		}
	}
	t.Fatalf("CONFIG GET does not know %s", name)
	return ""
}

func TestConfigSet(t *testing.T) {
	level := new(slog.LevelVar)
	s := newSettings(conf.Default(), level)
	got, err := s.Set([]server.ConfigItem{{Name: "timeout", Value: "5m"}, {Name: "MaxClients", Value: "7"}, {Name: "log.level", Value: "debug"}})
	if err != nil {
		t.Fatal(err)
	}
	if got.IdleTimeout != 5*time.Minute || got.MaxClients != 7 || level.Level() != slog.LevelDebug {
		t.Errorf("got %+v, level %v", got, level.Level())
	}
	for name, want := range map[string]string{"timeout": "300", "maxclients": "7", "proto-max-bulk-len": "67108864", "appendfsync": "everysec", "durability": "everysec"} {
		if got := item(t, s, name); got != want {
			t.Errorf("%s = %q; want %q", name, got, want)
		}
	}
}

func TestConfigSetIsAllOrNothing(t *testing.T) {
	for _, tc := range []struct {
		bad                server.ConfigItem
		name               string
		unknown, immutable bool
		reason             string
	}{
		{server.ConfigItem{Name: "maxclients", Value: "many"}, "maxclients", false, false, "expected a whole number from 1 to 1000000"},
		{server.ConfigItem{Name: "maxmemory", Value: "1gb"}, "maxmemory", true, false, "no such setting"},
		{server.ConfigItem{Name: "appendfsync", Value: "no"}, "appendfsync", false, true, "only be set at start"},
		{server.ConfigItem{Name: "client-query-buffer-limit", Value: "1mb"}, "client-query-buffer-limit", false, false, "at least proto-max-bulk-len"},
	} {
		s := newSettings(conf.Default(), new(slog.LevelVar))
		_, err := s.Set([]server.ConfigItem{{Name: "timeout", Value: "9"}, tc.bad})
		var e *server.ConfigError
		if !errors.As(err, &e) || e.Name != tc.name || e.Unknown != tc.unknown || e.Immutable != tc.immutable || !strings.Contains(e.Reason, tc.reason) {
			t.Errorf("%v: %#v", tc.bad, err)
		}
		if got := item(t, s, "timeout"); got != "0" {
			t.Errorf("%v was refused and timeout is %s", tc.bad, got)
		}
	}
}

// Every setting that the table calls live must reach the front door or the log.
func TestLiveSettingsTakeEffect(t *testing.T) {
	values := map[conf.Kind]string{conf.KindText: "word", conf.KindSize: "128mb", conf.KindDuration: "7s", conf.KindInteger: "77", conf.KindLimit: "128mb", conf.KindBool: "no", conf.KindEnum: "debug"}
	for _, row := range conf.Settings() {
		if !row.Runtime {
			continue
		}
		level := new(slog.LevelVar)
		s := newSettings(conf.Default(), level)
		got, err := s.Set([]server.ConfigItem{{Name: row.Name, Value: values[row.Kind]}})
		if err != nil {
			t.Errorf("%s: %v", row.Name, err)
			continue
		}
		if got == serverSettings(conf.Default()) && level.Level() == slog.LevelInfo {
			t.Errorf("%s = %s changes nothing", row.Name, values[row.Kind])
		}
	}
}

func TestConfigRewrite(t *testing.T) {
	s := newSettings(conf.Default(), new(slog.LevelVar))
	if err := s.Rewrite(); !errors.Is(err, conf.ErrNoFile) {
		t.Errorf("without a file: %v", err)
	}
	file := filepath.Join(t.TempDir(), "rondo.yaml")
	if err := os.WriteFile(file, []byte("listen: :7001 # ours\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := conf.Load(nil, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	s = newSettings(cfg, new(slog.LevelVar))
	if _, err := s.Set([]server.ConfigItem{{Name: "timeout", Value: "60"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Rewrite(); err != nil {
		t.Fatal(err)
	}
	again, err := conf.Load(nil, file, nil)
	if err != nil || again.IdleTimeout != time.Minute || again.Listen != ":7001" {
		t.Errorf("reads back as %+v, %v", again, err)
	}
}
