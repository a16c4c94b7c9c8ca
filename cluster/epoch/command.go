package epoch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/rondokv/rondo/cluster/ring"
)

// CommandKind says what an operator wants. Values are for ever: append only.
type CommandKind uint8

// What an operator may want.
const (
	// CommandPlan: show what Changes would do, and stage them at this node for CommandCommit.
	CommandPlan CommandKind = iota + 1
	// CommandCommit: propose what is staged, if the ring has not changed since.
	CommandCommit
	// CommandAbort: give up the plan that is copying or, when none is, what is staged.
	CommandAbort
	// CommandChange: propose Changes without showing them: a leave, a removal, a replacement ...
	CommandChange
	// CommandStatus: what the conductor knows.
	CommandStatus
	// CommandSetAuto: whether this node, when it is the conductor, makes plans by itself. Until it is started again.
	CommandSetAuto
	// CommandRecover: begin a new lineage with the Survivors, of the id Cluster.
	CommandRecover
)

// Command is what an operator wants. Which fields count says its kind.
type Command struct {
	Kind       CommandKind   `json:"kind"`
	Changes    []ring.Change `json:"changes,omitempty"`
	AcceptLoss bool          `json:"accept_loss,omitempty"` // go on from whoever is left
	By         string        `json:"by,omitempty"`          // who, for people
	Base       ring.Epoch    `json:"base,omitempty"`        // CommandChange: only if the ring is still of this epoch; 0: of any. Else not to be set
	Auto       bool          `json:"auto,omitempty"`
	Survivors  []ring.NodeID `json:"survivors,omitempty"`
	Cluster    string        `json:"cluster,omitempty"` // hex, random
}

// Code says how a command went. Values are for ever: append only.
type Code uint8

// How a command went.
const (
	// CodeOK: done, or for a plan: under way.
	CodeOK Code = iota
	// CodeRefused: it makes no sense for this ring; Text says why.
	CodeRefused
	// CodePlanned: another plan is under way.
	CodePlanned
	// CodeMoved: the ring has changed since the plan was shown.
	CodeMoved
	// CodeBusy: another command is under way, or too many of them.
	CodeBusy
	// CodeLoss: data may be lost: say that you accept it.
	CodeLoss
	// CodeUnknown: not decided in time. It may still be.
	CodeUnknown
	// CodeNobody: no conductor can be reached, or none that answers. It may still happen.
	CodeNobody
	// CodeNothing: nothing is staged.
	CodeNothing
	// CodeElsewhere: between nodes: the one that was asked is no conductor. Asked again.
	CodeElsewhere
	codeEnd
)

func (c Code) String() string {
	names := [codeEnd]string{"ok", "refused", "a plan is under way", "the ring has changed", "another command is under way",
		"data may be lost", "not decided in time, it may still be", "no conductor answers", "nothing is staged", "no conductor"}
	if c >= codeEnd {
		return fmt.Sprintf("code %d", uint8(c))
	}
	return names[c]
}

// Refusal is the error of an Outcome.
type Refusal struct {
	Code Code
	Text string
}

func (e *Refusal) Error() string {
	if e.Text == "" {
		return "ring: " + e.Code.String()
	}
	return fmt.Sprintf("ring: %v: %s", e.Code, e.Text)
}

// Figures are what a plan would do.
type Figures struct {
	Moves       int               `json:"moves"`      // vnodes
	Bound       int               `json:"bound"`      // what no plan could go below
	Partitions  int               `json:"partitions"` // with another list
	Reordered   int               `json:"reordered"`  // of them only in order
	Nodes       []ring.NodeFigure `json:"nodes"`
	Warnings    []string          `json:"warnings,omitempty"`
	NothingElse bool              `json:"at_once,omitempty"` // nothing has to move: the next epoch is stable
}

// Outcome is how a command went.
type Outcome struct {
	ID      uint64      `json:"-"` // what Machine.Command returned
	Kind    CommandKind `json:"-"`
	Code    Code        `json:"code"`
	Text    string      `json:"text,omitempty"`
	Epoch   ring.Epoch  `json:"epoch,omitempty"` // of the document that came of it, or that a plan is for
	Figures *Figures    `json:"figures,omitempty"`
	Status  *Status     `json:"status,omitempty"`
}

// Err returns why the command was not carried out, a *Refusal; nil if it was.
func (o Outcome) Err() error {
	if o.Code == CodeOK {
		return nil
	}
	return &Refusal{o.Code, o.Text}
}

// maxAsked bounds the commands of a node that wait for an answer.
const maxAsked = 16

// asked is a command of this node that waits for an answer.
type asked struct {
	id    uint64
	kind  CommandKind // as it was given
	cmd   Command     // as it is passed on
	until Time
}

// staged is what CommandCommit would propose.
type staged struct {
	changes []ring.Change
	loss    bool
	base    ring.Epoch
}

// Command takes an operator's command and returns its name. How it went comes in a Ready, exactly once, unless the node stops
// before.
func (m *Machine) Command(now Time, c Command) (id uint64) {
	m.commands++
	id = m.commands
	kind := c.Kind
	done := func(code Code, text string) uint64 {
		m.outcomes = append(m.outcomes, Outcome{ID: id, Kind: kind, Code: code, Text: text, Epoch: m.epoch()})
		return id
	}
	if kind == CommandSetAuto {
		m.auto = c.Auto
		m.evaluate(now)
		return done(CodeOK, "")
	}
	if m.doc == nil || m.removed {
		return done(CodeRefused, "this node is no member of a ring")
	}
	switch kind {
	case CommandPlan, CommandChange, CommandStatus:
	case CommandCommit:
		if len(m.staged.changes) == 0 {
			return done(CodeNothing, "")
		}
		c = Command{Kind: CommandChange, Changes: m.staged.changes, AcceptLoss: m.staged.loss, By: c.By, Base: m.staged.base}
		m.staged = staged{}
	case CommandAbort:
		if m.doc.Stage == ring.Stable && len(m.staged.changes) > 0 {
			m.staged = staged{}
			return done(CodeOK, "")
		}
		c.Base = 0
		if m.doc.Stage == ring.Copying {
			c.Base = m.doc.Epoch
		}
	case CommandRecover:
		if code, text := m.beginRecovery(now, id, c); code != CodeOK {
			return done(code, text)
		}
		return id
	default:
		return done(CodeRefused, fmt.Sprintf("unknown command %d", kind))
	}
	if len(m.asked) >= maxAsked {
		return done(CodeBusy, "")
	}
	a := asked{id: id, kind: kind, cmd: c, until: now + 2*m.limits.ProposeTimeout}
	m.asked = append(m.asked, a)
	m.pass(now, a)
	return id
}

// pass brings a command to the conductor, once more if need be: he knows those that he had.
func (m *Machine) pass(now Time, a asked) {
	to := m.Conductor()
	if to == m.self {
		m.take(now, order{from: m.self, inc: m.inc, id: a.id, cmd: a.cmd})
		return
	}
	text, err := json.Marshal(a.cmd)
	if err != nil || len(text) > MaxCommand {
		m.finish(a.id, Outcome{Code: CodeRefused, Text: fmt.Sprintf("a command of %d bytes", len(text))})
		return
	}
	m.send(to, appendPassed(nil, kindCommand, passed{m.inc, a.id, text}))
}

// passAgain repeats what is not answered, and gives up what has waited for too long.
func (m *Machine) passAgain(now Time) {
	for _, a := range slices.Clone(m.asked) {
		if now >= a.until {
			m.finish(a.id, Outcome{Code: CodeNobody})
			continue
		}
		m.pass(now, a)
	}
}

// finish hands the outcome of a command out.
func (m *Machine) finish(id uint64, o Outcome) {
	i := slices.IndexFunc(m.asked, func(a asked) bool { return a.id == id })
	if i < 0 {
		return
	}
	a := m.asked[i]
	m.asked = slices.Delete(m.asked, i, i+1)
	o.ID, o.Kind = id, a.kind
	if a.kind == CommandPlan && o.Code == CodeOK {
		m.staged = staged{a.cmd.Changes, a.cmd.AcceptLoss, o.Epoch}
	}
	m.outcomes = append(m.outcomes, o)
}

// receiveCommand takes in a command that was passed on.
func (m *Machine) receiveCommand(now Time, from ring.NodeID, p passed) error {
	var c Command
	if err := decodeJSON(p.text, &c); err != nil {
		return err
	}
	m.take(now, order{from: from, inc: p.inc, id: p.id, cmd: c})
	return nil
}

func (m *Machine) receiveAnswer(now Time, p passed) error {
	if p.inc != m.inc {
		return nil // of an earlier life
	}
	var o Outcome
	if err := decodeJSON(p.text, &o); err != nil {
		return err
	}
	if o.Code != CodeElsewhere { // else it is passed on again, to who is the conductor then
		m.finish(p.id, o)
	}
	return nil
}

func decodeJSON(text []byte, to any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(to); err != nil {
		return fmt.Errorf("%w: %w", ErrMessage, err)
	}
	return nil
}
