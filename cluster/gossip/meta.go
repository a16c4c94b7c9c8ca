package gossip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/rondokv/rondo/engine/object"
)

const (
	metaVersion = 1
	metaMax     = 512 // memberlist.MetaMaxSize
	maxUnheard  = 16
	maxKeys     = 2 // the one in use, and the next or the last
	maxPlace    = 63
	maxWeight   = 1_000_000
	maxHost     = 253 // of a DNS name
	noAddress   = 255

	flagLeaving = 1
	flagSettled = 2
	flagWaiting = 4

	metaHead = 2 + 3*8 + 2*4 // up to and with the weight
	// What a node must leave free in its meta for the lists that come and go.
	metaLists = 1 + maxKeys*4 + 1 + maxUnheard*8
)

// ErrMeta is in the chain of every refusal of meta bytes, and of a Meta that has none.
var ErrMeta = errors.New("gossip: bad meta")

// announcement is all that travels in the meta bytes.
type announcement struct {
	Meta
	incarnation object.Incarnation
	leaving     bool
	settled     bool     // it was taken into company, or took somebody in
	keys        []uint32 // fingerprints; the first encrypts
	unheard     []object.NodeID
}

// appendTo appends the bytes. REQUIRES: check passed, and the lists are within their bounds.
func (a *announcement) appendTo(dst []byte) []byte {
	flags := byte(0)
	if a.leaving {
		flags |= flagLeaving
	}
	if a.settled {
		flags |= flagSettled
	}
	if a.Waiting {
		flags |= flagWaiting
	}
	dst = append(dst, metaVersion, flags)
	dst = binary.BigEndian.AppendUint64(dst, uint64(a.incarnation))
	dst = binary.BigEndian.AppendUint64(dst, a.Epoch)
	dst = binary.BigEndian.AppendUint64(dst, a.RingHash)
	dst = binary.BigEndian.AppendUint32(dst, a.Load)
	dst = binary.BigEndian.AppendUint32(dst, a.Weight)
	before := ""
	for _, addr := range []string{a.Client, a.Forward, a.Peer} {
		dst, before = appendAddress(dst, addr, before)
	}
	dst = append(append(dst, byte(len(a.Rack))), a.Rack...)
	dst = append(append(dst, byte(len(a.DC))), a.DC...)
	dst = append(dst, byte(len(a.keys)))
	for _, k := range a.keys {
		dst = binary.BigEndian.AppendUint32(dst, k)
	}
	dst = append(dst, byte(len(a.unheard)))
	for _, id := range a.unheard {
		dst = binary.BigEndian.AppendUint64(dst, uint64(id))
	}
	return binary.BigEndian.AppendUint64(dst, a.Lineage)
}

func appendAddress(dst []byte, addr, before string) ([]byte, string) {
	if addr == "" {
		return append(dst, noAddress), before
	}
	host, port, _ := splitAddress(addr)
	if host == before {
		dst = append(dst, 0)
	} else {
		dst = append(append(dst, byte(len(host))), host...)
	}
	return binary.BigEndian.AppendUint16(dst, port), host
}

// check says whether m can be told, and with which field it cannot.
func (m Meta) check() error {
	for _, f := range []struct{ name, addr string }{{"client", m.Client}, {"forward", m.Forward}, {"peer", m.Peer}} {
		if f.addr == "" {
			continue
		}
		if _, _, err := splitAddress(f.addr); err != nil {
			return fmt.Errorf("%w: %s address %q: %w", ErrMeta, f.name, f.addr, err)
		}
	}
	if !isPlace(m.Rack) {
		return fmt.Errorf("%w: rack %q: want at most %d bytes of printable text", ErrMeta, m.Rack, maxPlace)
	}
	if !isPlace(m.DC) {
		return fmt.Errorf("%w: datacenter %q: want at most %d bytes of printable text", ErrMeta, m.DC, maxPlace)
	}
	if m.Weight == 0 || m.Weight > maxWeight {
		return fmt.Errorf("%w: weight %d: want 1..%d", ErrMeta, m.Weight, maxWeight)
	}
	a := announcement{Meta: m}
	if n := len(a.appendTo(nil)) - 2 + metaLists; n > metaMax {
		return fmt.Errorf("%w: %d bytes, want at most %d: shorten addresses, rack or datacenter", ErrMeta, n, metaMax)
	}
	return nil
}

func splitAddress(addr string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return "", 0, errors.New("want a port of 1..65535")
	}
	if !isHost(host) {
		return "", 0, errors.New("want an IP address or a DNS name")
	}
	if net.JoinHostPort(host, strconv.Itoa(int(n))) != addr {
		return "", 0, errors.New("want it written as " + net.JoinHostPort(host, strconv.Itoa(int(n))))
	}
	return host, uint16(n), nil
}

// isHost bounds what reaches clients in the replies of CLUSTER: no spaces, commas or line ends, and not empty.
func isHost(s string) bool {
	if s == "" || len(s) > maxHost {
		return false
	}
	for _, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '.' && c != '-' && c != '_' && c != ':' && c != '%' {
			return false
		}
	}
	return true
}

func isPlace(s string) bool {
	if len(s) > maxPlace || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// parseAnnouncement reads meta bytes. It keeps no part of b.
func parseAnnouncement(b []byte) (announcement, error) {
	var a announcement
	if len(b) < metaHead || len(b) > metaMax {
		return a, fmt.Errorf("%w: %d bytes, want %d..%d", ErrMeta, len(b), metaHead, metaMax)
	}
	if b[0] != metaVersion {
		return a, fmt.Errorf("%w: version %d, this node reads %d", ErrMeta, b[0], metaVersion)
	}
	a.leaving, a.settled = b[1]&flagLeaving != 0, b[1]&flagSettled != 0
	a.Waiting = b[1]&flagWaiting != 0
	a.incarnation = object.Incarnation(binary.BigEndian.Uint64(b[2:]))
	a.Epoch = binary.BigEndian.Uint64(b[10:])
	a.RingHash = binary.BigEndian.Uint64(b[18:])
	a.Load = binary.BigEndian.Uint32(b[26:])
	a.Weight = binary.BigEndian.Uint32(b[30:])
	r := metaReader{b: b[metaHead:]}
	a.Client, a.Forward, a.Peer = r.address(), r.address(), r.address()
	a.Rack, a.DC = r.text(int(r.byte())), r.text(int(r.byte()))
	for range r.count(maxKeys) {
		if f := r.take(4); f != nil {
			a.keys = append(a.keys, binary.BigEndian.Uint32(f))
		}
	}
	for range r.count(maxUnheard) {
		if f := r.take(8); f != nil {
			id := object.NodeID(binary.BigEndian.Uint64(f))
			// Ascending, so that nobody is complained of twice.
			if n := len(a.unheard); id == 0 || n > 0 && id <= a.unheard[n-1] {
				r.bad = true
			}
			a.unheard = append(a.unheard, id)
		}
	}
	if len(r.b) > 0 { // nodes of before do not tell it
		if f := r.take(8); f != nil {
			a.Lineage = binary.BigEndian.Uint64(f)
		}
	}
	if r.bad {
		return announcement{}, fmt.Errorf("%w: cut short or out of bounds", ErrMeta)
	}
	if err := a.check(); err != nil {
		return announcement{}, err
	}
	return a, nil
}

// metaReader reads what is of varying length; after an error everything reads as empty.
type metaReader struct {
	b    []byte
	host string
	bad  bool
}

func (r *metaReader) take(n int) []byte {
	if r.bad || len(r.b) < n {
		r.bad = true
		return nil
	}
	f := r.b[:n]
	r.b = r.b[n:]
	return f
}

func (r *metaReader) byte() byte {
	if f := r.take(1); f != nil {
		return f[0]
	}
	return 0
}

func (r *metaReader) text(n int) string { return string(r.take(n)) }

func (r *metaReader) count(most int) int {
	n := int(r.byte())
	if n > most {
		r.bad = true
		return 0
	}
	return n
}

func (r *metaReader) address() string {
	switch n := r.byte(); {
	case n == noAddress:
		return ""
	case n > 0:
		r.host = r.text(int(n))
	case r.host == "":
		r.bad = true
	}
	f := r.take(2)
	if f == nil {
		return ""
	}
	return net.JoinHostPort(r.host, strconv.Itoa(int(binary.BigEndian.Uint16(f))))
}

// sameButLoad says whether two announcements differ in nothing, or in load alone.
func (a *announcement) sameButLoad(b *announcement) bool {
	m, n := a.Meta, b.Meta
	m.Load, n.Load = 0, 0
	return m == n && a.incarnation == b.incarnation && a.leaving == b.leaving && a.settled == b.settled &&
		slices.Equal(a.keys, b.keys) && slices.Equal(a.unheard, b.unheard)
}
