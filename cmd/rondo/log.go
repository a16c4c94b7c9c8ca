package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/rondokv/rondo/conf"
)

// logging is where a node's log lines go. Level may change while it runs.
type logging struct {
	*slog.Logger
	level *slog.LevelVar
	file  *os.File // nil: not ours to close
}

func openLog(cfg conf.Config, stderr io.Writer) (*logging, error) {
	l := &logging{level: new(slog.LevelVar)}
	l.level.Set(cfg.LogLevel)
	out := stderr
	if cfg.LogFile != "" {
		f, err := os.OpenFile(cfg.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
		if err != nil {
			return nil, fmt.Errorf("log.file: %w", err)
		}
		l.file, out = f, f
	}
	options := &slog.HandlerOptions{Level: l.level}
	if cfg.LogFormat == conf.LogJSON {
		l.Logger = slog.New(slog.NewJSONHandler(out, options))
	} else {
		l.Logger = slog.New(slog.NewTextHandler(out, options))
	}
	return l, nil
}

func (l *logging) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
