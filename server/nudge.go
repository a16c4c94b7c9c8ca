package server

// nudge is the memory of one connection of the cluster face of whether it was told that the ring has changed.
//
// A home replica serves every key that it holds, so a client whose map is old is never wrong, and never learns: a node that
// came back would get nothing for good. Hence a home replica answers one command with MOVED where it could have served: once a
// connection and version of the topology. A client takes that as a reason to fetch the map.
//
//	                      new version                        taken: MOVED
//	told (opened, or ──────────────> due, from its first ────────────────> told
//	 nudged at it)                    keyed command on
//
// While it is due, a command that came alone is taken; one in a pipeline, whose redirection costs a client more, only after
// nudgeAfter without one alone.
type nudge struct {
	opened uint64 // version when the connection was opened: its client has fetched a map since, as far as the primary knows
	told   uint64 // version that the client was told of
	due    uint64 // version that it is to be told of
	since  int64  // nanos of the first keyed command at that version
}

// nudgeAfter is how long a command that comes alone is waited for, in nanoseconds.
const nudgeAfter = 5e9

// take tells whether the present command is answered with MOVED, and if so notes that. primary: this node is the primary of
// the command's key, not only a home replica; alone: no other command came with it.
func (n *nudge) take(version uint64, now int64, primary, alone bool) bool {
	if n.told == version || primary && n.opened == version {
		return false
	}
	if n.due != version {
		n.due, n.since = version, now
	}
	if !alone && now-n.since < nudgeAfter {
		return false
	}
	n.told = version
	return true
}
