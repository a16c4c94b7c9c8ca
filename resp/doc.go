// Package resp holds what the Redis protocol fixes: reply values and their
// bytes, error texts, the way arguments are read as numbers and patterns, and
// the table of commands. It is pure: no I/O, clock, goroutine or lock.
//
// # Replies
//
// A [Value] is one reply, independent of the protocol version; AppendTo writes
// it as RESP2 or RESP3:
//
//	kind       RESP2              RESP3
//	Nil        $-1                _
//	NilArray   *-1                _
//	Simple     +text              +text
//	Error      -text              -text
//	Int        :n                 :n
//	Bulk       $len bytes         $len bytes
//	Array      *n elems           *n elems
//	Map        *2n k v k v        %n k v k v
//	Set        *n elems           ~n elems
//	Push       *n elems           >n elems
//	Double     $len text          ,text
//	Bool       :1 :0              #t #f
//	BigNumber  $len digits        (digits
//	Verbatim   $len bytes         =len+4 txt:bytes
//	None       (nothing)          (nothing)
//	Encoded    as it is           as it is
//
// The zero Value is not a reply: it is written as an error that says so, since
// a client that waits for a reply that never comes is harder to understand.
//
// Between nodes a reply travels in neither: AppendCompact writes it and
// ParseCompact reads it back, the same Value whatever the client speaks.
//
// # Errors
//
// An [Error] is the text of an error reply, code first and without the leading
// '-'. It is a Go error too, so parsers return it and the front door turns it
// into a reply. All texts are made in errors*.go, word for word as Redis 7.0.15
// has them where Redis has one: clients parse them.
//
// # Arguments
//
// [ParseInt], [ParseFloat], [ParseLongDouble] and [Match] accept what
// Redis accepts and nothing else.
//
// # Commands
//
// [Lookup] finds a [Command]: arity, flags, key positions, documentation. The
// facts in table_gen.go are printed by internal/tablegen from a running
// redis-server 7.0.15; rows of later versions, rows of Rondo's own and the
// reasons for which some commands are refused are written by hand in later.go,
// rondo.go and refused.go. What the table names is not a promise that the command is
// served: Refused tells.
//
// The package is not a parser of requests: redcon reads those in package
// server. [Decode] reads replies and is there for tests and tools.
package resp
