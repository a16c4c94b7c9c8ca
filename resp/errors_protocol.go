package resp

// Errors after which the connection is closed, since the next request cannot be
// found in its bytes.
const (
	ErrProtoInlineTooBig   Error = "ERR Protocol error: too big inline request"
	ErrProtoQuotes         Error = "ERR Protocol error: unbalanced quotes in request"
	ErrProtoMultibulkBig   Error = "ERR Protocol error: too big mbulk count string"
	ErrProtoMultibulkLen   Error = "ERR Protocol error: invalid multibulk length"
	ErrProtoMultibulkNoPwd Error = "ERR Protocol error: unauthenticated multibulk length"
	ErrProtoBulkBig        Error = "ERR Protocol error: too big bulk count string"
	ErrProtoBulkLen        Error = "ERR Protocol error: invalid bulk length"
	ErrProtoBulkNoPwd      Error = "ERR Protocol error: unauthenticated bulk length"
)

// ProtoExpectedBulk is the reply to a request whose next argument begins with
// got instead of '$'.
func ProtoExpectedBulk(got byte) Error {
	return Error("ERR Protocol error: expected '$', got '" + cString([]byte{got}) + "'")
}
