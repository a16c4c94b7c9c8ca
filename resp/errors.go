package resp

import (
	"bytes"
	"fmt"
)

// Error is the text of an error reply without its leading '-': a code in
// capitals, a space, words for people. It is a Go error; == and errors.Is work
// on the constants below.
type Error string

func (e Error) Error() string { return string(e) }

// Value is the reply that carries e.
func (e Error) Value() Value { return Err(e) }

// Texts of Redis 7.0.15, word for word.
const (
	ErrSyntax         Error = "ERR syntax error"
	ErrWrongType      Error = "WRONGTYPE Operation against a key holding the wrong kind of value"
	ErrNoSuchKey      Error = "ERR no such key"
	ErrBusyKey        Error = "BUSYKEY Target key name already exists."
	ErrSameObject     Error = "ERR source and destination objects are the same"
	ErrOOM            Error = "OOM command not allowed when used memory > 'maxmemory'."
	ErrIndexRange     Error = "ERR index out of range"
	ErrOffsetRange    Error = "ERR offset is out of range"
	ErrStringTooLong  Error = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	ErrInvalidCursor  Error = "ERR invalid cursor"
	ErrNumKeys        Error = "ERR numkeys should be greater than 0"
	ErrCountPositive  Error = "ERR count should be greater than 0"
	ErrCountMinusOne  Error = "ERR count should be greater than or equal to -1" // SLOWLOG GET
	ErrTimeoutNotInt  Error = "ERR timeout is not an integer or out of range"
	ErrTimeoutNotNum  Error = "ERR timeout is not a float or out of range"
	ErrTimeoutNeg     Error = "ERR timeout is negative"
	ErrNotPositive    Error = "ERR value is out of range, must be positive"
	ErrOutOfRange     Error = "ERR value is out of range"
	ErrNoLFUPolicy    Error = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
	ErrShutdownFailed Error = "ERR Errors trying to SHUTDOWN. Check logs."
	ErrNoShutdown     Error = "ERR No shutdown in progress."
)

// Numbers.
const (
	ErrNotInteger    Error = "ERR value is not an integer or out of range"
	ErrNotFloat      Error = "ERR value is not a valid float"
	ErrMinMaxFloat   Error = "ERR min or max is not a float"
	ErrIncrOverflow  Error = "ERR increment or decrement would overflow"
	ErrDecrOverflow  Error = "ERR decrement would overflow" // DECRBY of the least integer
	ErrIncrNaN       Error = "ERR increment would produce NaN or Infinity"
	ErrHashNotInt    Error = "ERR hash value is not an integer"
	ErrHashNotFloat  Error = "ERR hash value is not a float"
	ErrNotNumOrInf   Error = "ERR value is NaN or Infinity" // HINCRBYFLOAT's increment
	ErrExpireNXOther Error = "ERR NX and XX, GT or LT options at the same time are not compatible"
	ErrExpireGTLT    Error = "ERR GT and LT options at the same time are not compatible"
)

// Transactions.
const (
	ErrExecAbort       Error = "EXECABORT Transaction discarded because of previous errors."
	ErrExecNoMulti     Error = "ERR EXEC without MULTI"
	ErrDiscardNoMulti  Error = "ERR DISCARD without MULTI"
	ErrNestedMulti     Error = "ERR MULTI calls can not be nested"
	ErrWatchInMulti    Error = "ERR WATCH inside MULTI is not allowed"
	ErrNotAllowedMulti Error = "ERR Command not allowed inside a transaction"
)

// Databases and the cluster face.
const (
	ErrDBIndex         Error = "ERR DB index is out of range"
	ErrSelectCluster   Error = "ERR SELECT is not allowed in cluster mode"
	ErrSwapDBCluster   Error = "ERR SWAPDB is not allowed in cluster mode"
	ErrMoveCluster     Error = "ERR MOVE is not allowed in cluster mode"
	ErrCopyDBCluster   Error = "ERR Copying to another database is not allowed in cluster mode"
	ErrFirstDBIndex    Error = "ERR invalid first DB index"  // SWAPDB
	ErrSecondDBIndex   Error = "ERR invalid second DB index" // SWAPDB
	ErrClusterDisabled Error = "ERR This instance has cluster support disabled"
	ErrCrossSlot       Error = "CROSSSLOT Keys in request don't hash to the same slot"
	ErrTryAgain        Error = "TRYAGAIN Multiple keys request during rehashing of slot"
	ErrClusterDown     Error = "CLUSTERDOWN The cluster is down"
	ErrSlotNotServed   Error = "CLUSTERDOWN Hash slot not served"
	ErrInvalidSlot     Error = "ERR Invalid or out of range slot"
	ErrSlotOnly        Error = "ERR Invalid slot"                   // CLUSTER COUNTKEYSINSLOT
	ErrSlotOrKeyCount  Error = "ERR Invalid slot or number of keys" // CLUSTER GETKEYSINSLOT
	ErrReadOnlyReplica Error = "READONLY You can't write against a read only replica."
	ErrLoading         Error = "LOADING Redis is loading the dataset in memory"
)

// Connections, users and CLIENT.
const (
	ErrNoAuth          Error = "NOAUTH Authentication required."
	ErrNoAuthHello     Error = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
	ErrWrongPass       Error = "WRONGPASS invalid username-password pair or user is disabled."
	ErrNoPassword      Error = "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
	ErrNoPermKey       Error = "NOPERM this user has no permissions to access one of the keys used as arguments"
	ErrNoPermChannel   Error = "NOPERM this user has no permissions to access one of the channels used as arguments"
	ErrMaxClients      Error = "ERR max number of clients reached"
	ErrNoProto         Error = "NOPROTO unsupported protocol version"
	ErrProtoNotInt     Error = "ERR Protocol version is not an integer or out of range"
	ErrClientName      Error = "ERR Client names cannot contain spaces, newlines or special characters."
	ErrNoSuchClient    Error = "ERR No such client"
	ErrClientID        Error = "ERR Invalid client ID"                  // CLIENT LIST ID
	ErrClientIDPos     Error = "ERR client-id should be greater than 0" // CLIENT KILL ID
	ErrPauseMode       Error = "ERR CLIENT PAUSE mode must be WRITE or ALL"
	ErrUnblockReason   Error = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"
	ErrResetOnlyNormal Error = "ERR can only reset normal client connections"
)

// COMMAND and CONFIG.
const (
	ErrGetKeysCommand  Error = "ERR Invalid command specified"
	ErrGetKeysNone     Error = "ERR The command has no key arguments"
	ErrGetKeysArity    Error = "ERR Invalid number of arguments specified for command"
	ErrGetKeysArgs     Error = "ERR Invalid arguments specified for command"
	ErrNoConfigFile    Error = "ERR The server is running without a config file"
	configDuplicate          = "duplicate parameter"
	configImmutable          = "can't set immutable config"
	configSetFailedFmt       = "ERR CONFIG SET failed (possibly related to argument '%s') - %s"
)

// NoPermCommand refuses a command to a user; name as in Command.Name.
func NoPermCommand(name string) Error {
	return Error("NOPERM this user has no permissions to run the '" + name + "' command")
}

// InvalidExpire refuses an expiry time; name as in Command.Name.
func InvalidExpire(name string) Error {
	return Error("ERR invalid expire time in '" + name + "' command")
}

// UnsupportedOption refuses an option of the EXPIRE family.
func UnsupportedOption(opt []byte) Error {
	return Error("ERR Unsupported option " + cString(bytes.TrimRight(opt, "\r\n")))
}

// NotInRange refuses an integer outside [low, high]; the words are Redis's own.
func NotInRange(low, high int64) Error {
	return Error(fmt.Sprintf("ERR value is out of range, value must between %d and %d", low, high))
}

// UnknownClientType refuses a TYPE of CLIENT LIST and CLIENT KILL.
func UnknownClientType(t []byte) Error {
	return Error("ERR Unknown client type '" + cString(t) + "'")
}

// NoSuchUser refuses a USER of CLIENT KILL.
func NoSuchUser(name []byte) Error { return Error("ERR No such user '" + cString(name) + "'") }

// HelloOption refuses an option of HELLO.
func HelloOption(opt []byte) Error {
	return Error("ERR Syntax error in HELLO option '" + cString(opt) + "'")
}

// ExecAborted refuses EXEC for a reason found when it runs.
func ExecAborted(reason string) Error {
	return Error("EXECABORT Transaction discarded because of: " + reason)
}

// ConfigUnknown refuses a setting that does not exist.
func ConfigUnknown(name []byte) Error {
	return Error("ERR Unknown option or number of arguments for CONFIG SET - '" + cString(name) + "'")
}

// ConfigFailed refuses a setting's new value.
func ConfigFailed(name, why string) Error {
	return Error(fmt.Sprintf(configSetFailedFmt, name, why))
}

// ConfigDuplicate refuses a setting given twice in one CONFIG SET.
func ConfigDuplicate(name string) Error { return ConfigFailed(name, configDuplicate) }

// ConfigImmutable refuses a setting that only a restart can change.
func ConfigImmutable(name string) Error { return ConfigFailed(name, configImmutable) }

// LibInfo refuses a value of CLIENT SETINFO (Redis 7.2); attr is lib-name or
// lib-ver.
func LibInfo(attr string) Error {
	return Error("ERR " + attr + " cannot contain spaces, newlines or special characters.")
}

// LibInfoOption refuses an attribute of CLIENT SETINFO (Redis 7.2).
func LibInfoOption(attr []byte) Error {
	return Error("ERR Unrecognized option '" + cString(attr) + "'")
}

// DebugNotAllowed refuses a command that a setting turns off, DEBUG and MODULE
// in Redis; command in capitals.
func DebugNotAllowed(command, setting string) Error {
	return Error("ERR " + command + ` command not allowed. If the ` + setting + ` option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.`)
}
