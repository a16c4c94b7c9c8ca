package server

import "github.com/rondokv/rondo/resp"

// monitorCommand is MONITOR: from its reply on the connection is sent every
// command that the server runs, but for those of administration. What others run
// from now on is queued; it is sent once the batch is answered, by startMonitor.
func monitorCommand(s *session, _ *resp.Command, _ [][]byte) resp.Value {
	if s.feed == nil {
		s.feed = s.srv.monitors.subscribe(s.id)
	}
	return resp.OK()
}

// startMonitor begins to send the feed of a MONITOR that has been answered. It is
// called after every batch, once all replies are written.
func (s *session) startMonitor() {
	feed := s.feed
	if feed == nil || feed.started {
		return
	}
	feed.started = true
	s.srv.loops.Go(func() {
		// The end of the session stops the feed; a feed that was cut ends the session.
		if err := feed.run(s.push); err != nil || feed.slow.Load() {
			s.kill()
		}
	})
}

// stopMonitor ends the feed of MONITOR, if there is one: for RESET and the end
// of the connection. No line is written after it returns: the client would take
// one for the reply to its next command.
func (s *session) stopMonitor() {
	if s.feed != nil {
		s.srv.monitors.unsubscribe(s.feed)
		s.feed.settle()
		s.feed = nil
	}
}
