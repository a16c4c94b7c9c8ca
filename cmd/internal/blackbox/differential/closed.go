package differential

import (
	"errors"
	"io"
	"syscall"
)

// isClosed says whether a connection ended because the server closed it.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
