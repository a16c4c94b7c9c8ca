package server

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/resp"
)

// adminState is what the administrative commands keep for the whole server. Its
// zero value is ready.
type adminState struct {
	latency latencyMonitor
	errors  errorStats
	rates   rates
	peak    atomic.Int64 // memory, bytes

	servedOnce sync.Once
	served     []*resp.Command // of COMMAND

	topologyOnce sync.Once
	ring         TopologySource

	configuring sync.Mutex // held during CONFIG SET
}

// adminHandlers are the commands of administration: INFO CLIENT CONFIG COMMAND SLOWLOG LATENCY MONITOR CLUSTER MEMORY ...
func adminHandlers() map[string]action {
	return map[string]action{
		"acl":      {run: aclCommand},
		"client":   {run: clientCommand},
		"cluster":  {run: clusterCommand},
		"command":  {run: commandCommand},
		"config":   {run: configCommand},
		"debug":    {run: debugCommand},
		"info":     {run: infoCommand},
		"lastsave": {run: lastsaveCommand, free: true},
		"latency":  {run: latencyCommand},
		"memory":   {run: memoryCommand},
		"module":   {run: moduleCommand},
		"monitor":  {run: monitorCommand},
		"object":   {run: objectCommand},
		"role":     {run: roleCommand, free: true},
		"slowlog":  {run: slowlogCommand},
	}
}

// observe keeps a command that took long for SLOWLOG and LATENCY. It is cheap
// when it did not: the caller need not ask first.
func (s *session) observe(c *resp.Command, args [][]byte, took time.Duration) {
	threshold := s.srv.live.Load().LatencyThreshold
	if threshold > 0 && took >= threshold {
		event := eventCommand
		if c.Is(resp.Fast) {
			event = eventFastCommand
		}
		s.srv.admin.latency.add(event, time.Now(), took)
	}
	if s.srv.slowlog.slow(took) && !c.Is(resp.SkipSlowlog) {
		e := slowEntry{when: time.Now(), duration: took, addr: s.addr, name: s.clientName()}
		s.srv.slowlog.add(e, redactArgs(c, args))
	}
}

// runID names this run of the server: 40 hex digits that no other run has, since
// every start has an incarnation of its own.
func (s *Server) runID() string {
	id, inc := s.node.Identity()
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(id))
	binary.BigEndian.PutUint64(b[8:], uint64(inc))
	sum := sha256.Sum256(append([]byte("rondo run "), b[:]...))
	return hex.EncodeToString(sum[:20])
}
