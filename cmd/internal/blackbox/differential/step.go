package differential

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// Face says which pair of servers a script is for.
type Face int

// The two faces of a node.
const (
	Forward Face = iota // one Redis
	Cluster             // a node of a Redis Cluster
)

func (f Face) String() string {
	if f == Cluster {
		return "cluster"
	}
	return "forward"
}

// Step is one command. Neighbours of one connection and one batch are sent
// together, as a pipeline.
type Step struct {
	Conn, Batch int
	Args        []string
	Inline      string // sent as it is in place of Args, line end included
	Scan        bool   // Args are those of a SCAN without its cursor, iterated to the end
}

// bytes is what is sent. A Scan step begins with cursor 0.
func (s Step) bytes(dst []byte) []byte {
	if s.Inline != "" {
		return append(dst, s.Inline...)
	}
	return harness.AppendCommand(dst, s.command()...)
}

func (s Step) command() []string {
	if s.Inline != "" {
		return strings.Fields(s.Inline)
	}
	if s.Scan {
		return append([]string{"SCAN", "0"}, s.Args...)
	}
	return s.Args
}

// commandName is a command with its subcommand, for people.
func commandName(args []string) string {
	if len(args) == 0 {
		return ""
	}
	name := strings.ToUpper(args[0])
	switch name {
	case "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "LATENCY", "MEMORY", "MODULE", "OBJECT", "SLOWLOG", "DEBUG":
		if len(args) > 1 {
			name += " " + strings.ToUpper(args[1])
		}
	}
	return name
}

// name is the command's in upper case, empty for an empty line.
func (s Step) name() string {
	if args := s.command(); len(args) > 0 {
		return strings.ToUpper(args[0])
	}
	return ""
}

func (s Step) String() string {
	if s.Inline != "" {
		return fmt.Sprintf("%d> raw %q", s.Conn, shorten(s.Inline, 200))
	}
	words := make([]string, 0, len(s.Args)+1)
	for i, a := range s.command() {
		if i == 0 && plain(a) {
			words = append(words, a)
			continue
		}
		words = append(words, strconv.Quote(shorten(a, 120)))
	}
	if s.Scan {
		words = append(words, "(whole iteration)")
	}
	return fmt.Sprintf("%d> %s", s.Conn, strings.Join(words, " "))
}

func plain(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return fmt.Sprintf("%s... (%d bytes)", s[:n], len(s))
}

// batches cuts a script where a pipeline ends.
func batches(steps []Step) (out [][]Step) {
	for i, s := range steps {
		if i == 0 || s.Scan || steps[i-1].Scan || s.Conn != steps[i-1].Conn || s.Batch != steps[i-1].Batch {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], s)
	}
	return out
}
