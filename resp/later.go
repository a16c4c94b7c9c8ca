package resp

import "slices"

// This file holds, by hand, what Rondo has and Redis 7.0 has not. The facts are
// those of the public command reference of the Redis versions named.

// fromLater are whole commands.
//
// DELEX key [IFEQ value | IFNE value] is of Redis 8.4, which also has the
// digest conditions IFDEQ and IFDNE; those are not served.
var fromLater = []Command{
	{
		Name: "delex", Arity: -2,
		Flags:    Write | Fast,
		FirstKey: 1, LastKey: 1, Step: 1,
		Categories: CatWrite | CatString | CatFast,
		KeySpecs: []KeySpec{{
			Flags: KeyRW | KeyDelete | KeyVariableFlags,
			Begin: KeyBegin{Index: 1},
			Find:  KeyFind{Step: 1},
		}},
		Docs: &Doc{
			Summary:    "Delete a key, if asked so only while its string value is, or is not, a given one",
			Since:      "8.4.0",
			Group:      "string",
			Complexity: "O(1)",
			Args: []Arg{
				{Name: "key", Type: "key", Key: 1},
				{Name: "condition", Type: "oneof", Flags: []string{"optional"}, Args: []Arg{
					{Name: "ifeq-value", Type: "string", Token: "IFEQ"},
					{Name: "ifne-value", Type: "string", Token: "IFNE"},
				}},
			},
		},
	},
}

// clientLater are subcommands of CLIENT that came with Redis 7.2.
var clientLater = []Command{
	{
		Name: "client|setinfo", Arity: 4,
		Flags:      NoScript | Loading | Stale,
		Categories: CatSlow | CatConnection,
		Docs: &Doc{
			Summary:    "Tell the server the name or version of the client library",
			Since:      "7.2.0",
			Group:      "connection",
			Complexity: "O(1)",
			Args: []Arg{{Name: "attr", Type: "oneof", Args: []Arg{
				{Name: "libname", Type: "string", Token: "LIB-NAME"},
				{Name: "libver", Type: "string", Token: "LIB-VER"},
			}}},
		},
	},
	{
		Name: "client|no-touch", Arity: 3,
		Flags:      NoScript | Loading | Stale,
		Categories: CatSlow | CatConnection,
		Docs: &Doc{
			Summary:    "Choose whether the connection's commands count as use of the keys they touch",
			Since:      "7.2.0",
			Group:      "connection",
			Complexity: "O(1)",
			Args: []Arg{{Name: "enabled", Type: "oneof", Args: []Arg{
				{Name: "on", Type: "pure-token", Token: "ON"},
				{Name: "off", Type: "pure-token", Token: "OFF"},
			}}},
		},
	},
}

// docSetConditions is SET's documentation with the conditions of Redis 8.4
// beside NX and XX.
func docSetConditions(set *Doc) *Doc {
	const since = "8.4.0"
	d := *set
	d.History = append(slices.Clip(d.History), Change{since, "Added the `IFEQ` and `IFNE` options."})
	d.Args = slices.Clone(d.Args)
	for i := range d.Args {
		if d.Args[i].Name == "condition" {
			d.Args[i].Args = append(slices.Clip(d.Args[i].Args),
				Arg{Name: "ifeq-value", Type: "string", Token: "IFEQ", Since: since},
				Arg{Name: "ifne-value", Type: "string", Token: "IFNE", Since: since})
		}
	}
	return &d
}
