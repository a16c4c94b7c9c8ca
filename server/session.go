package server

import (
	"net"
	"sync"
	"sync/atomic"

	"github.com/tidwall/redcon"

	"github.com/rondokv/rondo/resp"
)

// face is which of the two listeners a connection came in by.
type face uint8

const (
	clusterFace face = iota
	forwardFace
)

// replyMode is what CLIENT REPLY set.
type replyMode uint8

const (
	replyOn replyMode = iota
	replyOff
	replySkip     // nothing for the next command: set by the one before it
	replySkipping // nothing for this command
)

// session is one connection. Its methods are called on the connection's own goroutine, but for kill and what is under
// "read by others".
//
// What every command touches comes first, in as few lines of the processor's cache as it fits: on a busy server each batch is another
// connection's, and most of this has left the near cache since.
type session struct {
	srv  *Server
	wire *wire

	// State that commands change; only the connection's goroutine touches it.
	ring        *Topology // at the beginning of the batch
	userVersion uint64
	proto       int          // 2 or 3
	feed        *monitorFeed // of MONITOR
	face        face
	db          uint8
	authed      bool
	reply       replyMode
	leaving     bool   // close once what was answered so far is written
	broken      bool   // writing failed or must not go on: nothing more is sent
	single      bool   // the batch is one command
	readOnly    bool   // READONLY was said
	rights      Rights // of the user, as of userVersion
	levels      connectionLevels

	pipe     pipeline
	lastCmd  atomic.Pointer[resp.Command] // read by others, as is the next
	lastUsed atomic.Int64                 // srv.nanos when the last batch came in
	tx       transaction
	writes   writes
	nudge    nudge

	id      int64
	addr    string // of the client
	laddr   string // of the listener's side
	created int64  // srv.nanos

	user atomic.Pointer[string] // who the client is; read by others

	// Read by others: CLIENT LIST of another connection.
	mu      sync.Mutex
	name    string
	libName string
	libVer  string
	noEvict bool
	noTouch bool

	shownDB  atomic.Int32
	shownRES atomic.Int32 // proto
	shownTx  atomic.Int32 // commands queued in MULTI, -1 outside
	shownW   atomic.Int32 // keys watched
}

// newSession makes the session and the wire of an accepted connection.
func newSession(srv *Server, f face, c net.Conn) *session {
	s := &session{srv: srv, face: f, addr: c.RemoteAddr().String(), laddr: c.LocalAddr().String(), created: srv.nanos()}
	s.wire = &wire{Conn: c, srv: srv, session: s, serve: s.serve, readAt: s.created}
	s.lastUsed.Store(s.created)
	s.setProto(2)
	s.shownTx.Store(-1)
	s.becomeDefault()
	return s
}

// acceptSession is redcon's accept callback.
func acceptSession(conn redcon.Conn) bool {
	w, ok := conn.NetConn().(*wire)
	if !ok {
		return false // never: gate wraps every connection
	}
	w.session.nudge.opened = w.srv.topology().Version
	conn.SetContext(w.session)
	return true
}

// unserved is redcon's handler of commands. None comes that way: wire.Read serves them.
func unserved(conn redcon.Conn, _ redcon.Command) { _ = conn.Close() }

// closeSession is redcon's closed callback. redcon holds a lock of all connections meanwhile: it must be quick.
func closeSession(conn redcon.Conn, err error) {
	s, ok := conn.Context().(*session)
	if !ok {
		return
	}
	s.stopMonitor()
	s.wire.release()
	s.srv.totals.goneIn.Add(s.wire.bytesIn.Load())
	s.srv.totals.goneOut.Add(s.wire.bytesOut.Load())
	s.srv.sessions.remove(s)
	if why := s.wire.cutReason.Load(); why != nil {
		s.srv.log.Warn("connection cut", "client", s.addr, "id", s.id, "reason", *why)
	} else if err != nil {
		s.srv.log.Debug("connection closed", "client", s.addr, "id", s.id, "err", err)
	}
}

// closeAfterReply closes the connection once the reply of the present command has been written. Later commands of the
// batch are not run.
func (s *session) closeAfterReply() { s.leaving = true }

// kill closes the connection at once, from any goroutine.
func (s *session) kill() { _ = s.wire.Conn.Close() }

// setDB selects a database.
func (s *session) setDB(db uint8) {
	s.db = db
	s.shownDB.Store(int32(db))
}

// setProto changes the protocol version of replies from the present command's on.
func (s *session) setProto(proto int) {
	s.proto = proto
	s.shownRES.Store(int32(proto))
}

// setName sets the name that CLIENT LIST shows. REQUIRES: validClientName(name).
func (s *session) setName(name string) {
	s.mu.Lock()
	s.name = name
	s.mu.Unlock()
}

// clientName is the name of CLIENT SETNAME, empty for none; any goroutine may ask.
func (s *session) clientName() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name
}

// validClientName tells whether Redis takes name for a client's: printable ASCII without spaces.
func validClientName(name []byte) bool {
	for _, c := range name {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

// push writes bytes out of turn, such as a monitor's feed. Any goroutine may call it; one call's bytes stay together.
func (s *session) push(b []byte) error {
	_, err := s.wire.Write(b)
	return err
}
