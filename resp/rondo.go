package resp

// fromRondo are the commands that no Redis has.
//
// The levels have two commands because one row cannot describe both forms: with
// the key of AT's inner command at the third place, clients that route by the
// row would look for a key in the form that has none, and some fail on it.
var fromRondo = []Command{
	{
		Name: "at", Arity: -3,
		Flags:    Write | NoScript | NoMulti,
		FirstKey: 3, LastKey: 3, Step: 1,
		Categories: CatSlow,
		KeySpecs: []KeySpec{{
			Notes: "The keys are those of the inner command; of most commands the first is here",
			Flags: KeyRW | KeyAccess | KeyUpdate | KeyIncomplete,
			Begin: KeyBegin{Index: 3},
			Find:  KeyFind{Step: 1},
		}},
		Docs: &Doc{
			Summary:    "Run one command at a consistency level",
			Since:      "0.1.0",
			Group:      "generic",
			Complexity: "That of the command",
			Args: []Arg{
				{Name: "level", Type: "string"},
				{Name: "command", Type: "string"},
				{Name: "arg", Type: "string", Flags: []string{"optional", "multiple"}},
			},
		},
	},
	{
		Name: "consistency", Arity: -1,
		Flags:      NoScript | Loading | Stale | Fast | NoMulti,
		Categories: CatFast | CatConnection,
		Docs: &Doc{
			Summary:    "Show or set the consistency levels of the connection",
			Since:      "0.1.0",
			Group:      "connection",
			Complexity: "O(1)",
			Args: []Arg{{Name: "levels", Type: "oneof", Flags: []string{"optional"}, Args: []Arg{
				{Name: "both", Type: "string"},
				{Name: "each", Type: "block", Args: []Arg{
					{Name: "read", Type: "string", Token: "READ", Flags: []string{"optional"}},
					{Name: "write", Type: "string", Token: "WRITE", Flags: []string{"optional"}},
				}},
			}}},
		},
	},
	{
		Name: "keyinfo", Arity: 2,
		Flags:    ReadOnly,
		FirstKey: 1, LastKey: 1, Step: 1,
		Categories: CatKeyspace | CatRead | CatSlow,
		KeySpecs: []KeySpec{{
			Flags: KeyRO,
			Begin: KeyBegin{Index: 1},
			Find:  KeyFind{Step: 1},
		}},
		Docs: &Doc{
			Summary:    "Show how each home replica holds a key",
			Since:      "0.1.0",
			Group:      "generic",
			Complexity: "O(N) with N being the number of home replicas",
			Args:       []Arg{{Name: "key", Type: "key", Key: 1}},
		},
	},
}
