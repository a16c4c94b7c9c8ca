package gossip

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
)

// logBridge passes memberlist's log on to slog with its levels. memberlist logs while it holds its own lock, and one line for
// every packet that it cannot read, so lines are queued, and dropped and counted when the queue is full.
type logBridge struct {
	logger  *slog.Logger
	lines   chan logLine
	dropped atomic.Uint64
	done    chan struct{}
	wg      sync.WaitGroup
}

type logLine struct {
	level slog.Level
	text  string
}

const logQueue = 128

func newLogBridge(l *slog.Logger) *logBridge {
	b := &logBridge{logger: l, lines: make(chan logLine, logQueue), done: make(chan struct{})}
	b.wg.Go(b.run)
	return b
}

// Write takes one line from log.Logger.
func (b *logBridge) Write(p []byte) (int, error) {
	line := parseLogLine(string(p))
	if !b.logger.Enabled(context.Background(), line.level) {
		return len(p), nil
	}
	select {
	case b.lines <- line:
	default:
		b.dropped.Add(1)
	}
	return len(p), nil
}

// parseLogLine takes the level off a line such as "[WARN] memberlist: text". Lines without one are errors: memberlist
// forgets it only there.
func parseLogLine(s string) logLine {
	s = strings.TrimSpace(s)
	level := slog.LevelError
	for _, l := range []struct {
		prefix string
		level  slog.Level
	}{{"[DEBUG]", slog.LevelDebug}, {"[INFO]", slog.LevelInfo}, {"[WARN]", slog.LevelWarn}, {"[ERR]", slog.LevelError}, {"[ERROR]", slog.LevelError}} {
		if rest, ok := strings.CutPrefix(s, l.prefix); ok {
			s, level = strings.TrimSpace(rest), l.level
			break
		}
	}
	return logLine{level, strings.TrimPrefix(s, "memberlist: ")}
}

func (b *logBridge) run() {
	var told uint64
	for {
		select {
		case l := <-b.lines:
			b.logger.Log(context.Background(), l.level, "memberlist", "text", l.text)
			if n := b.dropped.Load(); n > told && len(b.lines) == 0 {
				b.logger.Warn("memberlist: log lines dropped", "count", n-told)
				told = n
			}
		case <-b.done:
			return
		}
	}
}

// close ends the goroutine. Lines that come later are dropped.
func (b *logBridge) close() {
	close(b.done)
	b.wg.Wait()
}
