package cluster

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// Usage is what a node uses of what it has. Whoever weighs nodes against each other asks for it. Figures that are not known are 0.
type Usage struct {
	DiskBytes    uint64 `json:"disk_bytes"`    // of the store's files
	FreeBytes    uint64 `json:"free_bytes"`    // on the file system
	ReserveBytes uint64 `json:"reserve_bytes"` // of those that the store does not touch
	FileSystem   uint64 `json:"file_system"`   // the same for all nodes on it, and for no others
	Keys         uint64 `json:"keys"`          // stored here, of all databases
	Machine      uint64 `json:"machine"`       // the same for all nodes on it, and for no others
	MachineCores uint64 `json:"machine_cores"`
	Cores        uint64 `json:"cores"` // that the node may use

	// Of the last minutes: how many milliseconds they are, and what was measured in them.
	WindowMillis uint64 `json:"window_ms"`
	BusyMille    uint64 `json:"busy_permille"`    // of Cores, on average
	PeakMille    uint64 `json:"peak_permille"`    // of Cores, in the busiest ten seconds
	Operations   uint64 `json:"operations"`       // begun here and not passed on
	Overloaded   uint64 `json:"overloaded"`       // of those, refused because too much was under way
	DiskRefused  uint64 `json:"no_room_refusals"` // writes, since the start
}

// fields are the figures in the order of the bytes. It is for ever: append only.
func (u *Usage) fields() []*uint64 {
	return []*uint64{
		&u.DiskBytes, &u.FreeBytes, &u.ReserveBytes, &u.FileSystem, &u.Keys, &u.Machine, &u.MachineCores, &u.Cores,
		&u.WindowMillis, &u.BusyMille, &u.PeakMille, &u.Operations, &u.Overloaded, &u.DiskRefused,
	}
}

// append writes the answer to askUsage.
func (u *Usage) append(dst []byte) []byte {
	for _, f := range u.fields() {
		dst = binary.BigEndian.AppendUint64(dst, *f)
	}
	return dst
}

// parse reads what append wrote, of this build or another: figures that it does not know are skipped, those that are not told are 0.
func (u *Usage) parse(body []byte) error {
	if len(body)%8 != 0 || len(body) == 0 {
		return errAsk
	}
	for _, f := range u.fields() {
		if len(body) == 0 {
			break
		}
		*f, body = binary.BigEndian.Uint64(body), body[8:]
	}
	return nil
}

var errNoUsage = errors.New("cluster: the node does not measure what it uses")

func (n *Node) answerUsage() ([]byte, error) {
	if n.usage == nil {
		return nil, errNoUsage
	}
	u := n.usage()
	return u.append(nil), nil
}

// Usage asks a node, which may be this one, for what it uses.
func (n *Node) Usage(of object.NodeID, timeout time.Duration) (u Usage, err error) {
	var body []byte
	if of == n.id {
		body, err = n.answerUsage()
	} else {
		body, err = n.askWithin(of, askUsage, nil, timeout)
	}
	if err != nil {
		return Usage{}, err
	}
	return u, u.parse(body)
}
