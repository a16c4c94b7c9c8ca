package resp

// Errors of ACL, in the words of Redis 7.0.15, and those of what only Rondo has.
const (
	ErrDefaultUser  Error = "ERR The 'default' user cannot be removed"
	ErrUserName     Error = "ERR Usernames can't contain spaces or null characters"
	ErrPassBits     Error = "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"
	ErrTooManyUsers Error = "ERR there are too many users"
)

// Why ACL SETUSER refuses a modifier.
const (
	ACLSyntax     = "Syntax error"
	ACLHash       = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
	ACLNoPassword = "The password you are trying to remove from the user does not exist"
	ACLUnknown    = "Unknown command or category name in ACL"
	// ACLRequirePass is Rondo's own: one place holds the default user's password.
	ACLRequirePass = "The default user's password is requirepass; use CONFIG SET requirepass"
	// ACLPasswords is Rondo's own bound.
	ACLPasswords = "The user has too many passwords"
)

// ACLModifier refuses a modifier of ACL SETUSER.
func ACLModifier(modifier []byte, why string) Error {
	return Error("ERR Error in ACL SETUSER modifier '" + cString(modifier) + "': " + why)
}

// UnknownCategory refuses a category of ACL CAT.
func UnknownCategory(name []byte) Error { return Error("ERR Unknown category '" + cString(name) + "'") }
