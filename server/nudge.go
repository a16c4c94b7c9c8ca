package server

// nudge is the memory of one connection of the cluster face of what its client was told of changes in the ring.
//
// A home replica serves every key that it holds, so a client whose map is old is never wrong, and never learns: a node that
// came back would get nothing for good. Hence a home replica answers a command now and then with MOVED where it could have
// served. A client takes that as a reason to fetch the map, some at once, some after ten.
//
//	                   primary of the key                  home replica, not the primary: a stray
//	told at first   at once, unless the connection      from the second on that comes strayEvery after
//	                was opened at the version           the first
//	again           never at that version               every strayEvery, as long as strays come
//
// The primary is in a hurry: after a death there are clients that call the dead until somebody tells them to fetch the map. A
// stray is not, for it is served. And no command is to meet two nudges in a row: clients follow three redirections or so, of
// which the dead may have taken two. So a stray that stands alone is served: it may be what a primary's nudge sent here.
type nudge struct {
	opened  uint64 // version when the connection was opened: its client has fetched a map since, as far as the primary knows
	version uint64 // that the rest is about
	since   int64  // nanos of the first keyed command at it
	strayed bool   // a stray has come,
	stray   int64  // the first at this time
	told    bool   // nudged, or asked for the map itself,
	at      int64  // the last time at this time
}

// In nanoseconds.
const (
	strayEvery = 2e9
	// nudgeAfter is how long a command that came alone is waited for: one in a pipeline costs its client more.
	nudgeAfter = 5e9
)

// take tells whether the present command is answered with MOVED, and if so notes that. primary: this node is the primary of
// the command's key, not only a home replica; alone: no other command came with it.
func (n *nudge) take(version uint64, now int64, primary, alone bool) bool {
	if primary && n.opened == version {
		return false
	}
	n.begin(version, now)
	if primary && n.told {
		return false
	}
	if !primary && !n.strayed {
		n.strayed, n.stray = true, now
		return false
	}
	due := n.since
	switch {
	case !alone && n.told:
		due = n.at + nudgeAfter
	case !alone:
		due += nudgeAfter
	case !primary && n.told:
		due = n.at + strayEvery
	}
	if !primary {
		due = max(due, n.stray+strayEvery)
	}
	if now < due {
		return false
	}
	n.told, n.at = true, now
	return true
}

// fetched notes that the client asked for the map.
func (n *nudge) fetched(version uint64, now int64) {
	n.begin(version, now)
	n.told, n.at = true, now
}

// begin makes the memory that of a version.
func (n *nudge) begin(version uint64, now int64) {
	if n.version != version {
		*n = nudge{opened: n.opened, version: version, since: now}
	}
}
