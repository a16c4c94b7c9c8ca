package chaos

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// OutcomeOf is how an operation ended whose reply is this.
func OutcomeOf(reply []byte) Outcome {
	if reply[0] != '-' {
		return OK
	}
	word, _, _ := bytes.Cut(reply[1:], []byte(" "))
	switch string(word) {
	case "MISCONF":
		return Full
	case "MOVED":
		return Moved
	case "UNAVAILABLE", "OVERLOADED", "LOADING", "CLUSTERDOWN":
		return Refused
	case "TIMEOUT":
		return Timeout
	}
	return Other
}

// Number reads a reply that is a number or a value that is one; 0 for null.
func Number(reply []byte) (uint64, error) {
	text := strings.TrimSuffix(string(reply), "\r\n")
	if strings.HasPrefix(text, "$-1") || text == "_" {
		return 0, nil
	}
	if text[0] == '$' {
		_, text, _ = strings.Cut(text, "\r\n")
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(text, ":"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", reply)
	}
	return n, nil
}
