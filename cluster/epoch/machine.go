package epoch

import (
	"errors"
	"fmt"

	"github.com/rondokv/rondo/cluster/paxos"
	"github.com/rondokv/rondo/cluster/ring"
)

// Time is an instant of a monotonic clock, in nanoseconds since an origin of the node's own.
type Time int64

// The units of Time.
const (
	Millisecond Time = 1e6
	Second           = 1000 * Millisecond
	Minute           = 60 * Second
)

// Limits are the times that a machine goes by. Zero: the default.
type Limits struct {
	ReportEvery    Time // between reports, and looks of the conductor: 1 s
	StableFor      Time // who waits to be admitted, or to leave, must be the same for so long before a plan is made: 10 s
	FetchTimeout   Time // a node that does not send its document is given up for another: 2 s
	ProposeTimeout Time // a proposal that is not decided is withdrawn; a command that is not answered is unknown after twice that: 10 s
	GiveUp         Time // Auto aborts a plan that waits for a copy by a node that is dead for so long: 10 min
	RemoveAfter    Time // Auto removes members that are dead for so long; zero or less: never. Those that were leaving: GiveUp
	Retry          Time // of paxos, see paxos.Config: 250 ms
}

func (l Limits) orDefault() Limits {
	set := func(t *Time, d Time) {
		if *t <= 0 {
			*t = d
		}
	}
	set(&l.ReportEvery, Second)
	set(&l.StableFor, 10*Second)
	set(&l.FetchTimeout, 2*Second)
	set(&l.ProposeTimeout, 10*Second)
	set(&l.GiveUp, 10*Minute)
	return l
}

// Options say who the node is and what it had stored.
type Options struct {
	Self     ring.NodeID
	Inc      uint64         // the node's incarnation: orders its reports over restarts
	Document *ring.Document // as saved, or of the founders; all partitions work by it before anything is served. nil: waits to be admitted
	Register []byte         // Save.Register as saved last; empty: none
	Auto     bool           // makes plans by itself
	Seed     uint64         // for the jitter of retries; should differ between nodes
	Limits   Limits
}

// The errors of New and Receive. They are wrapped.
var (
	ErrOptions = errors.New("epoch: bad options")
	// ErrForeign: the message is of another cluster or lineage.
	ErrForeign = errors.New("epoch: of another cluster")
	// ErrConflict: there are two documents of one epoch, or one that does not follow ours. A node has forgotten what it had
	// stored, or is there twice. Stop and tell the operator.
	ErrConflict = errors.New("epoch: two documents where there can be one")
	// ErrRefused: the message makes no sense here.
	ErrRefused = errors.New("epoch: refused")
)

// View is what gossip says. Its func and slices must answer the same for ever: they are of one instant.
type View struct {
	Alive   func(ring.NodeID) bool // nil: everybody. This node itself is always alive
	Waiting []ring.Member          // alive nodes that want to be admitted
	Leaving []ring.NodeID          // members that want to leave
}

// Progress is how far this node is. Epochs count up; what was said of one is not taken back.
type Progress struct {
	Epoch          ring.Epoch `json:"moves_epoch,omitempty"`     // the ring that the numbers of partitions and bytes are about; 0: not known
	Copied         ring.Epoch `json:"copied,omitempty"`          // at stage Copying: this epoch's copies are all done and durable
	Empty          ring.Epoch `json:"empty,omitempty"`           // as of this epoch it owns nothing, stores nothing, keeps no hints, and takes none any more
	PartitionsDone uint32     `json:"partitions_done,omitempty"` // to show only, as what follows
	PartitionsLeft uint32     `json:"partitions_left,omitempty"`
	BytesDone      uint64     `json:"bytes_done,omitempty"`
	BytesLeft      uint64     `json:"bytes_left,omitempty"`
}

// News says that others wait for what p tells beyond before: it is told at once, other changes with the next report.
func (p Progress) News(before Progress) bool {
	return p.Epoch != before.Epoch || p.Copied != before.Copied || p.Empty != before.Empty ||
		p.PartitionsLeft == 0 && before.PartitionsLeft != 0
}

// Save is what must be durable, synced, before anything else of its Ready is done. Both parts in one batch.
type Save struct {
	Document *ring.Document // nil: the one that is stored stays
	// Register is all of the register's state, in place of what is stored; empty: what is stored goes.
	Register []byte
}

// Envelope is a message to send: the body of a wire.Ring.
type Envelope struct {
	To   ring.NodeID
	Body []byte
}

// Ready is what a driver has to do after a step, in this order.
type Ready struct {
	Save     *Save
	Messages []Envelope
	// Adopt, unless nil: switch all partitions to it, then call Adopted.
	Adopt    *ring.Document
	Outcomes []Outcome
	Events   []Event
}

// Empty reports whether there is nothing to do.
func (rd Ready) Empty() bool {
	return rd.Save == nil && len(rd.Messages) == 0 && rd.Adopt == nil && len(rd.Outcomes) == 0 && len(rd.Events) == 0
}

// Machine is one node's part. It is not safe for concurrent use.
type Machine struct {
	self   ring.NodeID
	inc    uint64
	seed   uint64
	auto   bool
	limits Limits

	doc      *ring.Document // nil: waits to be admitted
	encoded  []byte
	hash     ring.Hash
	adopted  ring.Epoch
	removed  bool
	register *paxos.Register
	state    []byte // the register's, as saved; nil: nothing was promised
	view     View
	progress Progress
	known    map[ring.NodeID]*known
	seq      uint64 // of reports
	heardAt  Time   // when somebody answered a report
	rotate   int    // who else is asked when nobody does
	tickAt   Time

	catch     catch
	conduct   conduct
	automatic automatic
	asked     []asked // commands of this node that are not answered
	commands  uint64
	staged    staged
	recovery  *recovery
	lineage   *lineage

	// What Ready has not handed out.
	save     *Save
	out      []Envelope
	adopt    *ring.Document
	outcomes []Outcome
	events   []Event
}

// New makes the machine of a node that starts.
func New(now Time, o Options) (*Machine, error) {
	if o.Self == 0 {
		return nil, fmt.Errorf("%w: node 0", ErrOptions)
	}
	m := &Machine{
		self: o.Self, inc: o.Inc, seed: o.Seed, auto: o.Auto, limits: o.Limits.orDefault(),
		known: make(map[ring.NodeID]*known), heardAt: now, tickAt: now,
	}
	if o.Document == nil {
		if len(o.Register) > 0 {
			return nil, fmt.Errorf("%w: a register without a document", ErrOptions)
		}
		return m, nil
	}
	encoded, err := o.Document.Encode()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	m.doc, m.encoded, m.hash, m.adopted = o.Document, encoded, o.Document.Hash(), o.Document.Epoch
	if err := m.open(o.Register); err != nil {
		return nil, err
	}
	if m.doc.Member(m.self) == nil {
		m.leave()
	}
	m.drain(now)
	return m, nil
}

// Document returns the newest document known, nil for a node that waits to be admitted. The partitions work by it once it was
// adopted.
func (m *Machine) Document() *ring.Document { return m.doc }

// View takes in what gossip says: on every change, and at least each second.
func (m *Machine) View(now Time, v View) {
	m.view = v
	m.lookAround(now)
	m.evaluate(now)
}

// Progress takes in how far this node is.
func (m *Machine) Progress(now Time, p Progress) {
	news := p.News(m.progress)
	m.progress = p
	if news {
		m.report(now)
		m.evaluate(now)
	}
}

// Adopted says that all partitions of this node work by the document of Ready.Adopt.
func (m *Machine) Adopted(now Time, e ring.Epoch) {
	if m.doc == nil || e <= m.adopted || e > m.doc.Epoch {
		return
	}
	m.adopted = e
	m.report(now)
	m.evaluate(now)
}

// NextTimer returns when Tick has something to do.
func (m *Machine) NextTimer() (Time, bool) {
	at := m.tickAt
	if m.catch.from != 0 {
		at = min(at, m.catch.until)
	}
	if m.register != nil {
		if t, ok := m.register.NextTimer(); ok {
			at = min(at, Time(t))
		}
	}
	return at, true
}

// Tick does what is due. Calling it early or twice does no harm.
func (m *Machine) Tick(now Time) {
	m.fetchAgain(now)
	if m.register != nil {
		m.register.Tick(paxos.Time(now))
		m.drain(now)
	}
	if now < m.tickAt {
		return
	}
	m.tickAt = now + m.limits.ReportEvery
	m.lookAround(now)
	m.report(now)
	m.remind()
	m.part()
	m.finishOthers(now)
	m.evaluate(now)
	m.passAgain(now)
	m.recover(now)
	m.handOut()
}

// Ready returns what the steps since the last call have to bring about, and forgets it. Call it after every step, and after New.
func (m *Machine) Ready() Ready {
	rd := Ready{Save: m.save, Messages: m.out, Adopt: m.adopt, Outcomes: m.outcomes, Events: m.events}
	m.save, m.out, m.adopt, m.outcomes, m.events = nil, nil, nil, nil, nil
	return rd
}

// maxOut is how many messages wait for Ready: more than a step makes. What is beyond is lost, as on a network.
const maxOut = 8 * ring.MaxNodes

func (m *Machine) send(to ring.NodeID, body []byte) {
	if to != m.self && to != 0 && len(m.out) < maxOut {
		m.out = append(m.out, Envelope{to, body})
	}
}

// maxEvents bounds the events that wait for Ready.
const maxEvents = 256

func (m *Machine) event(e Event) {
	if len(m.events) < maxEvents {
		m.events = append(m.events, e)
	}
}
