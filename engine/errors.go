package engine

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that a caller tells apart.
var (
	// ErrLocked reports that another process has the directory open.
	ErrLocked = errors.New("engine: directory is in use")
	// ErrForeign reports a directory with files that are not Rondo's.
	ErrForeign = errors.New("engine: not a Rondo data directory")
	// ErrDiskFull reports a write refused because too little room is left. Nothing was stored.
	ErrDiskFull = errors.New("engine: disk full")
	// ErrQuarantined reports a row or block whose bytes are damaged: the answer is "unable", never "absent".
	ErrQuarantined = errors.New("engine: row quarantined")
	// ErrTruncatedLog reports that rows which were durable are gone.
	ErrTruncatedLog = errors.New("engine: durable rows are missing")
	// ErrCorrupt reports damaged bytes in a file of the store.
	ErrCorrupt = errors.New("engine: store is damaged")
	// ErrFatal reports a failed write or fsync: what is on the disk is unknown and the store takes nothing more.
	ErrFatal = errors.New("engine: stopped after a failed write")
	// ErrClosed reports use of a closed store.
	ErrClosed = errors.New("engine: store is closed")
)

// NewerFormatError reports a directory that a newer version of Rondo has written.
type NewerFormatError struct {
	Dir          string
	Found, Known uint32
}

// ErrNewerFormat is what errors.Is finds in a NewerFormatError.
var ErrNewerFormat = errors.New("engine: newer format")

func (e *NewerFormatError) Error() string {
	return fmt.Sprintf("%s has format %d, this version of rondo reads up to %d: start the newer version, or use another --dir",
		e.Dir, e.Found, e.Known)
}

// Is makes errors.Is(err, ErrNewerFormat) true.
func (e *NewerFormatError) Is(target error) bool { return target == ErrNewerFormat }

// QuarantinedError names the row that cannot be read. Key is empty where only a block is known to be bad.
type QuarantinedError struct {
	Key []byte
	Err error
}

func (e *QuarantinedError) Error() string {
	if len(e.Key) == 0 {
		return "engine: rows cannot be read: " + oneLine(e.Err)
	}
	return fmt.Sprintf("engine: row %x cannot be read: %s", e.Key, oneLine(e.Err))
}

// Is makes errors.Is(err, ErrQuarantined) true.
func (e *QuarantinedError) Is(target error) bool { return target == ErrQuarantined }

// Unwrap returns what is wrong with the row.
func (e *QuarantinedError) Unwrap() error { return e.Err }

// CorruptError names the file of the store that is damaged, and where.
type CorruptError struct {
	File   string
	Offset int64 // -1 where it is not known
	Err    error
}

func (e *CorruptError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("engine: %s is damaged: %s", e.File, oneLine(e.Err))
	}
	return fmt.Sprintf("engine: %s is damaged at byte %d: %s", e.File, e.Offset, oneLine(e.Err))
}

// Is makes errors.Is(err, ErrCorrupt) true.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// Unwrap returns what was found.
func (e *CorruptError) Unwrap() error { return e.Err }

// oneLine is the text of an error for an operator. Pebble's errors of damaged blocks carry a second line that says nothing.
func oneLine(err error) string {
	if err == nil {
		return "unknown reason"
	}
	text := strings.ReplaceAll(err.Error(), "\n<corruption detail carrier>", "")
	return strings.ReplaceAll(text, "\n", "; ")
}
