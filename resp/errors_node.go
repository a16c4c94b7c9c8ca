package resp

import (
	"strconv"
	"strings"
)

// Errors that are Rondo's own. Clients retry a prefix or they do not, so the
// first word says what is known: with CLUSTERDOWN, UNAVAILABLE, OVERLOADED and
// MISCONF nothing was stored; after TIMEOUT the operation may yet show; after
// PARTIAL a part of it does.

// ErrDiskFull refuses writes that would take room; reads and deletes go on.
const ErrDiskFull Error = "MISCONF Free disk space is below the reserve: writes that need room are refused until space is freed. Reads and deletes still work. Please check the logs for details."

// ErrStoreFailed refuses everything that a store that stopped after a failed
// write cannot do.
const ErrStoreFailed Error = "MISCONF The store failed to write and has stopped; nothing more is acknowledged until the node is restarted. Please check the logs for details."

// ErrUnreadable answers a read of a row that did not pass its checksum.
const ErrUnreadable Error = "UNAVAILABLE the row is unreadable on this node and quarantined; it is not known to be absent"

// ErrProtected is sent to a peer off loopback while no password is set.
const ErrProtected Error = "DENIED Rondo is running in protected mode because no password is set and it listens on an address that is not loopback. In this mode connections are only accepted from the loopback interface. " +
	"If you want to connect from other computers you may adopt one of the following solutions: " +
	"1) Set a password: send the command 'CONFIG SET requirepass <password>' from the loopback interface, or start the node with '--requirepass <password>', RONDO_REQUIREPASS, or requirepass in its configuration file. " +
	"2) Just disable protected mode with 'CONFIG SET protected-mode no' from the loopback interface, or start the node with '--protected-mode no'; MAKE SURE that it cannot be reached from the internet if you do so. " +
	"NOTE: You only need to do one of the above things in order for the node to start accepting connections from the outside."

// Moved sends a client of the cluster face to the node that serves slot.
func Moved(slot uint16, addr string) Error {
	return Error("MOVED " + strconv.Itoa(int(slot)) + " " + addr)
}

// Acks counts home replicas: how many answered of those that a level needs.
type Acks struct {
	Got  int    // answered, or reachable before anything was sent
	Need int    // for the level
	Of   int    // home replicas of the partition
	DC   string // the datacenter that they are counted in; empty: all
}

// Unavailable refuses an operation before anything was sent: it is safe to
// retry. On the cluster face the text begins with CLUSTERDOWN, which cluster
// clients retry with a fresh map.
func Unavailable(a Acks, clusterFace bool) Error {
	var b strings.Builder
	if clusterFace {
		b.WriteString("CLUSTERDOWN ")
	}
	b.WriteString("UNAVAILABLE need " + strconv.Itoa(a.Need) + " of " + strconv.Itoa(a.Of) +
		" home replicas")
	if a.DC != "" {
		b.WriteString(" in datacenter " + a.DC)
	}
	b.WriteString(", " + strconv.Itoa(a.Got) + " reachable")
	return Error(b.String())
}

// Timeout answers an operation whose outcome is not known. The prefix is one
// that no client retries by itself.
func Timeout(a Acks) Error {
	return Error("TIMEOUT unknown, acks " + strconv.Itoa(a.Got) + " of " + strconv.Itoa(a.Need))
}

// Partial answers a command over several slots of which some are done and others
// are not: what is done stands, and what is not was not begun. why is the text of
// the first that failed.
func Partial(done, of int, why string) Error {
	return Error("PARTIAL done in " + strconv.Itoa(done) + " of " + strconv.Itoa(of) + " slots; " + why)
}

// PartlyUnknown is Partial where the outcome of a part is not known: why is the
// text of a TIMEOUT.
func PartlyUnknown(done, of int, why string) Error {
	return Error(why + ", done in " + strconv.Itoa(done) + " of " + strconv.Itoa(of) + " slots")
}

// Overloaded refuses an operation before anything was done because a queue is
// full; what names it.
func Overloaded(what string) Error {
	return Error("OVERLOADED " + what + " is full, nothing was done, try again later")
}
