package resp

// Command is what the protocol says about one command or subcommand. Commands
// are shared and never change.
type Command struct {
	Name       string // in lower case; a subcommand as "client|kill"
	Arity      int    // number of arguments with the name; -n means at least n
	Flags      Flags
	FirstKey   int // 0: no keys at fixed places
	LastKey    int // negative counts from the end
	Step       int
	Categories Categories
	Tips       []string
	KeySpecs   []KeySpec
	// Subcommands, sorted by name. A container without a subcommand given is
	// itself a command: COMMAND alone has a meaning, CLIENT alone fails its arity.
	Subcommands []*Command
	Docs        *Doc
	// Refused, when not empty, is the reply to this command whatever its
	// arguments: Rondo knows the name and says what to use instead.
	Refused Error
}

// Doc is what COMMAND DOCS says about a command.
type Doc struct {
	Summary         string
	Since           string
	Group           string
	Complexity      string
	Flags           []string // deprecated, syscmd
	DeprecatedSince string
	ReplacedBy      string
	History         []Change
	Args            []Arg
}

// Change is a line of a command's history.
type Change struct{ Since, What string }

// Arg describes an argument, or a group of them when Args is not empty.
type Arg struct {
	Name            string
	Type            string // key, string, integer, double, pattern, unix-time, pure-token, oneof, block
	Key             int    // index of the key spec plus one; 0: not a key
	Token           string
	Summary         string
	Since           string
	DeprecatedSince string
	Flags           []string // optional, multiple, multiple_token
	Args            []Arg
}

// Is tells whether all of f are among the command's flags.
func (c *Command) Is(f Flags) bool { return c.Flags&f == f }

// ArityOK tells whether a request of n arguments, the name among them, is not
// refused out of hand. For a subcommand the container's name counts too.
func (c *Command) ArityOK(n int) bool {
	if c.Arity < 0 {
		return n >= -c.Arity
	}
	return n == c.Arity
}

// Flags are a command's flags, in the order in which Redis lists them.
type Flags uint32

const (
	Write Flags = 1 << iota
	ReadOnly
	DenyOOM
	Module
	Admin
	PubSub
	NoScript
	Blocking
	Loading
	Stale
	SkipMonitor
	SkipSlowlog
	Asking
	Fast
	NoAuth
	MayReplicate
	NoMandatoryKeys
	Protected
	NoAsyncLoading
	NoMulti
	MovableKeys
	AllowBusy
)

// flagNames has the names of Flags by bit.
var flagNames = [...]string{
	"write", "readonly", "denyoom", "module", "admin", "pubsub", "noscript",
	"blocking", "loading", "stale", "skip_monitor", "skip_slowlog", "asking",
	"fast", "no_auth", "may_replicate", "no_mandatory_keys", "protected",
	"no_async_loading", "no_multi", "movablekeys", "allow_busy",
}

// Names are the flags' names as COMMAND prints them.
func (f Flags) Names() []string { return bitNames(uint32(f), flagNames[:]) }

// Categories are ACL categories, in the order in which Redis lists them.
type Categories uint32

const (
	CatKeyspace Categories = 1 << iota
	CatRead
	CatWrite
	CatSet
	CatSortedSet
	CatList
	CatHash
	CatString
	CatBitmap
	CatHyperLogLog
	CatGeo
	CatStream
	CatPubSub
	CatAdmin
	CatFast
	CatSlow
	CatBlocking
	CatDangerous
	CatConnection
	CatTransaction
	CatScripting
)

// categoryNames has the names of Categories by bit.
var categoryNames = [...]string{
	"@keyspace", "@read", "@write", "@set", "@sortedset", "@list", "@hash",
	"@string", "@bitmap", "@hyperloglog", "@geo", "@stream", "@pubsub", "@admin",
	"@fast", "@slow", "@blocking", "@dangerous", "@connection", "@transaction",
	"@scripting",
}

// CategoryNames are the names of all categories, with their '@'.
func CategoryNames() []string { return categoryNames[:] }

// Names are the categories' names as COMMAND prints them, with their '@'.
func (c Categories) Names() []string { return bitNames(uint32(c), categoryNames[:]) }

func bitNames(bits uint32, names []string) []string {
	var out []string
	for i, name := range names {
		if bits&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}
