package main

import (
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/server"
)

// settings is the table behind CONFIG GET, SET and REWRITE.
type settings struct {
	level *slog.LevelVar

	mu      sync.Mutex
	cfg     conf.Config
	changed []string // settings that CONFIG SET has changed
}

func newSettings(cfg conf.Config, level *slog.LevelVar) *settings {
	return &settings{cfg: cfg, level: level}
}

var _ server.ConfigTable = (*settings)(nil)

// Items implements server.ConfigTable. A setting that Redis has under another
// name is listed under both.
func (s *settings) Items() []server.ConfigItem {
	s.mu.Lock()
	defer s.mu.Unlock()
	var items []server.ConfigItem
	for _, row := range conf.Settings() {
		value := row.RedisText(s.cfg)
		items = append(items, server.ConfigItem{Name: row.Name, Value: value})
		if row.Redis != "" && row.Redis != row.Name {
			items = append(items, server.ConfigItem{Name: row.Redis, Value: value})
		}
	}
	return items
}

// Set implements server.ConfigTable.
func (s *settings) Set(changes []server.ConfigItem) (server.Settings, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, names := s.cfg, s.changed
	for _, c := range changes {
		row, ok := conf.Lookup(c.Name)
		switch {
		case !ok:
			return server.Settings{}, &server.ConfigError{Name: c.Name, Unknown: true, Reason: "there is no such setting"}
		case !row.Runtime:
			return server.Settings{}, &server.ConfigError{Name: c.Name, Immutable: true, Reason: "it can only be set at start"}
		}
		if err := row.Set(&next, c.Value); err != nil {
			return server.Settings{}, configError(c.Name, err)
		}
		if !slices.Contains(names, row.Name) {
			names = append(slices.Clip(names), row.Name)
		}
	}
	if err := next.Validate(); err != nil {
		return server.Settings{}, configError(changes[0].Name, err)
	}
	s.cfg, s.changed = next, names
	s.level.Set(next.LogLevel)
	return serverSettings(next), nil
}

// configError says in one line what was expected. name is the setting to blame
// where err does not name one.
func configError(name string, err error) error {
	var e *conf.Error
	if !errors.As(err, &e) {
		return &server.ConfigError{Name: name, Reason: err.Error()}
	}
	if row, ok := conf.Lookup(name); !ok || row.Name != e.Setting {
		name = e.Setting
	}
	return &server.ConfigError{Name: name, Reason: "expected " + e.Expected}
}

// Rewrite implements server.ConfigTable.
func (s *settings) Rewrite() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return conf.Rewrite(s.cfg, s.changed)
}

// serverSettings are the settings that the front door runs with.
func serverSettings(c conf.Config) server.Settings {
	return server.Settings{
		RequirePass:       c.RequirePass,
		ProtectedMode:     c.ProtectedMode,
		MaxClients:        c.MaxClients,
		IdleTimeout:       c.IdleTimeout,
		TCPKeepAlive:      c.TCPKeepAlive,
		MaxBulk:           c.MaxBulk,
		QueryBufferLimit:  c.QueryBufferLimit,
		OutputBufferLimit: c.OutputBufferLimit,
		WriteTimeout:      c.WriteTimeout,
		CommandTimeout:    c.CommandTimeout,
		SlowlogSlowerThan: c.SlowlogSlowerThan,
		SlowlogMaxLen:     c.SlowlogMaxLen,
		LatencyThreshold:  c.LatencyMonitorThreshold,
	}
}
