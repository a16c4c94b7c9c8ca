package server

import (
	"fmt"

	"github.com/rondokv/rondo/cluster"
)

// defaultWaitingBytes is Options.WaitingBytes where nothing else is said.
const defaultWaitingBytes = 256 << 20

// errWaiting refuses an operation before anything of it is done, because too many bytes of others wait for other nodes.
var errWaiting = fmt.Errorf("server: commands wait for other nodes: %w", cluster.ErrOverloaded)

// crowded reports whether so much waits for other nodes that nothing more is begun. A ring of one never waits.
func (s *Server) crowded() bool { return s.waiting.Load() > s.opt.WaitingBytes }

// wait takes note of commands that have begun to wait for other nodes, or do not any more.
func (s *session) wait(bytes int64) {
	if bytes != 0 {
		s.pipe.waits += bytes
		s.srv.waiting.Add(bytes)
	}
}

// argFixed is about what a command holds on to beside its arguments' bytes.
const argFixed = 512

func argBytes(args [][]byte) int64 {
	n := int64(argFixed)
	for _, a := range args {
		n += int64(len(a))
	}
	return n
}
