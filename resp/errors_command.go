package resp

import (
	"bytes"
	"strings"
)

// quotedMax is how much of a client's bytes Redis repeats in an error.
const quotedMax = 128

// WrongArity refuses a command for its number of arguments; name as in
// Command.Name ("get", "client|kill").
func WrongArity(name string) Error {
	return Error("ERR wrong number of arguments for '" + name + "' command")
}

// UnknownCommand is the reply to args when args[0] names no command.
//
// Each argument is cut at a NUL byte and to what is left of 128 bytes, counting
// the quotes and spaces of those before it.
//
// REQUIRES: len(args) > 0.
func UnknownCommand(args [][]byte) Error {
	var tail strings.Builder
	for _, a := range args[1:] {
		if tail.Len() >= quotedMax {
			break
		}
		tail.WriteByte('\'')
		tail.WriteString(cStringMax(a, quotedMax-tail.Len()+1))
		tail.WriteString("' ")
	}
	return Error("ERR unknown command '" + cStringMax(args[0], quotedMax) +
		"', with args beginning with: " + tail.String())
}

// UnknownSubcommand is the reply when the container command exists and its
// subcommand does not; both as the client wrote them.
func UnknownSubcommand(container, sub []byte) Error {
	return Error("ERR unknown subcommand '" + cStringMax(sub, quotedMax) +
		"'. Try " + upper(container) + " HELP.")
}

// SubcommandSyntax is the reply to a known subcommand whose arguments fit none
// of its forms; both as the client wrote them.
func SubcommandSyntax(container, sub []byte) Error {
	return Error("ERR unknown subcommand or wrong number of arguments for '" +
		cStringMax(sub, quotedMax) + "'. Try " + upper(container) + " HELP.")
}

// Unknown is the reply to args when they name no command or no subcommand of
// the container that args[0] names; c is Lookup(args[0]).
func Unknown(c *Command, args [][]byte) Error {
	if c == nil || len(c.Subcommands) == 0 || len(args) < 2 {
		return UnknownCommand(args)
	}
	return UnknownSubcommand(args[0], args[1])
}

func upper(b []byte) string { return string(bytes.ToUpper([]byte(cString(b)))) }

// cString is b as C's %s prints it, up to a NUL, with line breaks made spaces as
// Redis does in every error.
func cString(b []byte) string { return cStringMax(b, len(b)) }

func cStringMax(b []byte, n int) string {
	if len(b) > n {
		b = b[:n]
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return lineBreaks.Replace(string(b))
}

var lineBreaks = strings.NewReplacer("\r", " ", "\n", " ")
