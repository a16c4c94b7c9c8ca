package differential

import "strings"

// Reason excuses replies that differ. It is as narrow as it can be: what it
// does not name is still compared.
type Reason struct {
	Name, Text string
	Match      func(e Exchange) bool
	Parts      bool // the databases differ afterwards, unless both replies are errors: a script cannot go on
	Rare       bool // random scripts avoid it, so that it hides nothing there: only TestReasons meets it
}

// reasons is the written list, in three parts: what no two servers answer
// alike, what is a server's own, and what Rondo does otherwise on purpose.
func reasons() []Reason {
	return append(append(unrepeatable(), own()...), deliberate()...)
}

// unrepeatable are differences that two redis-servers show as well.
func unrepeatable() []Reason {
	return []Reason{
		{Name: "clock", Text: "a time left or a time of day, a few seconds apart", Match: func(e Exchange) bool {
			switch {
			case e.is("TTL", "EXPIRETIME", "OBJECT IDLETIME"):
				return e.integersWithin(10)
			case e.is("PTTL", "PEXPIRETIME"):
				return e.integersWithin(10_000)
			}
			return e.is("TIME") && e.sameKind() && len(e.Redis.Elems) == 2 && len(e.Rondo.Elems) == 2
		}},
		{Name: "order", Text: "the same elements in another order", Match: func(e Exchange) bool {
			if e.is("SCAN") && len(e.Redis.Elems) == 2 && len(e.Rondo.Elems) == 2 && e.Redis.Elems[0].key() == e.Rondo.Elems[0].key() {
				return sameSet(e.Redis.Elems[1], e.Rondo.Elems[1])
			}
			return e.is("KEYS", "CLUSTER GETKEYSINSLOT") && sameSet(e.Redis, e.Rondo)
		}},
		{Name: "page", Text: "SCAN within a transaction: one page of an iteration", Match: func(e Exchange) bool {
			return e.is("SCAN") && len(e.Redis.Elems) == 2 && len(e.Rondo.Elems) == 2
		}},
		{Name: "random", Text: "RANDOMKEY chooses", Match: func(e Exchange) bool {
			return e.is("RANDOMKEY") && e.sameKind() && !e.Redis.Null && !e.Rondo.Null
		}},
		{Name: "client", Text: "what a server tells of a connection: ids, ports, ages", Match: func(e Exchange) bool {
			return e.is("CLIENT ID", "CLIENT INFO", "CLIENT LIST") && e.sameKind()
		}},
		{Name: "hello", Text: "HELLO tells the connection's id", Match: func(e Exchange) bool {
			return e.is("HELLO") && e.sameKind() && masked(e.Redis, "id").key() == masked(e.Rondo, "id").key()
		}},
	}
}

// own are differences in what each server says of itself.
func own() []Reason {
	return []Reason{
		{Name: "statistics", Text: "figures and texts about the server itself", Match: func(e Exchange) bool {
			return e.is("INFO", "LASTSAVE", "SLOWLOG LEN", "SLOWLOG GET", "LATENCY LATEST", "LATENCY HISTOGRAM", "LATENCY DOCTOR", "LATENCY RESET", "MEMORY DOCTOR", "MEMORY STATS", "MEMORY USAGE") &&
				e.sameKind()
		}},
		{Name: "topology", Text: "node ids, addresses and epochs", Match: func(e Exchange) bool {
			return e.is("CLUSTER INFO", "CLUSTER MYID", "CLUSTER SLOTS", "CLUSTER SHARDS", "CLUSTER NODES", "CLUSTER LINKS") &&
				e.sameKind() && sameShape(e.Redis, e.Rondo)
		}},
		{Name: "help", Text: "HELP lists the subcommands that each has", Match: func(e Exchange) bool {
			return e.Sub == "HELP" && e.Redis.isArray() && e.Rondo.isArray()
		}},
		{Name: "command-set", Text: "COMMAND tells of the commands that each has", Match: func(e Exchange) bool {
			if e.is("COMMAND INFO") || e.is("COMMAND") && len(e.Args) == 1 {
				return e.sameKind() && rowsAgree(e.Redis, e.Rondo)
			}
			return e.is("COMMAND COUNT", "COMMAND LIST", "COMMAND DOCS") && e.sameKind()
		}},
	}
}

// masked is a map without the value of one field.
func masked(r Reply, field string) Reply {
	elems := append([]Reply(nil), r.Elems...)
	for i := 0; i+1 < len(elems); i += 2 {
		if elems[i].Text == field {
			elems[i+1] = Reply{}
		}
	}
	r.Elems = elems
	return r
}

// deliberate is what Rondo does otherwise on purpose.
func deliberate() []Reason {
	return []Reason{
		{Name: "crossslot", Text: "on the forward face RENAME, COPY and MSETNX take keys of one slot", Parts: true, Match: func(e Exchange) bool {
			return e.Face == Forward && e.is("RENAME", "RENAMENX", "COPY", "MSETNX") && e.rondoRefuses("CROSSSLOT ")
		}},
		{Name: "watch", Text: "the keys that are watched and those of the transaction are of one slot", Parts: true, Match: func(e Exchange) bool {
			return e.is("WATCH", "EXEC") && e.rondoRefuses("CROSSSLOT ")
		}},
		{Name: "aborted", Text: "an EXEC that is lost anyway, after WATCH: which error it tells", Match: func(e Exchange) bool {
			return e.is("EXEC") && e.Watching && e.Redis.isError() && strings.HasPrefix(e.Rondo.Text, "CROSSSLOT ")
		}},
		{Name: "undone", Text: "WATCH on a missing key does not notice a write that is undone before EXEC", Parts: true, Rare: true, Match: func(e Exchange) bool {
			return e.is("EXEC") && e.Watching && e.Redis.Null && e.Rondo.isArray()
		}},
		{Name: "switch", Text: "HELLO within MULTI: all replies of EXEC are in the new protocol, in Redis those after HELLO", Rare: true, Match: func(e Exchange) bool {
			return e.Switching && words(masked(e.Redis, "id")) == words(masked(e.Rondo, "id"))
		}},
		{Name: "later", Text: "DELEX and the conditions IFEQ and IFNE of SET came with Redis 8.4", Parts: true, Rare: true, Match: func(e Exchange) bool {
			return e.Redis.isError() && (e.is("DELEX") || e.is("SET") && len(e.Args) > 3 && !e.Rondo.isError())
		}},
		{Name: "client-later", Text: "CLIENT SETINFO and NO-TOUCH came with Redis 7.2", Match: func(e Exchange) bool {
			return strings.HasPrefix(e.Redis.Text, "ERR unknown subcommand") && e.is("CLIENT SETINFO", "CLIENT NO-TOUCH")
		}},
		{Name: "encoding", Text: "OBJECT ENCODING goes by the value, in Redis also by how it came about", Match: func(e Exchange) bool {
			return e.is("OBJECT ENCODING") && e.sameKind() && isEncoding(e.Redis.Text) && isEncoding(e.Rondo.Text)
		}},
		{Name: "access", Text: "access times and references are not kept: OBJECT IDLETIME is refused, OBJECT REFCOUNT is 1", Match: func(e Exchange) bool {
			return e.is("OBJECT IDLETIME") && e.rondoRefuses("ERR ") || e.is("OBJECT REFCOUNT") && e.sameKind() && e.Rondo.Text == "1"
		}},
		{Name: "settings", Text: "CONFIG tells of settings that each has, and says what values it takes", Match: func(e Exchange) bool {
			const failed = "ERR CONFIG SET failed (possibly related to argument '"
			return e.is("CONFIG GET") && e.sameKind() || e.is("CONFIG SET") && strings.HasPrefix(e.Redis.Text, failed) && strings.HasPrefix(e.Rondo.Text, failed)
		}},
		{Name: "unserved", Text: "commands of Redis 7.0 that Rondo does not have are unknown to it", Parts: true, Rare: true, Match: func(e Exchange) bool {
			return strings.HasPrefix(e.Rondo.Text, "ERR unknown command ") && !strings.HasPrefix(e.Redis.Text, "ERR unknown ")
		}},
		{Name: "unserved-part", Text: "subcommands of CLIENT, LATENCY, MEMORY and the like that Rondo does not have are unknown to it", Match: func(e Exchange) bool {
			return strings.HasPrefix(e.Rondo.Text, "ERR unknown subcommand ") && !strings.HasPrefix(e.Redis.Text, "ERR unknown ") && unservedPart(e)
		}},
		{Name: "refused", Text: "commands of Redis that make no sense here say what to use", Parts: true, Match: func(e Exchange) bool {
			return e.Rondo.isError() && strings.Contains(e.Rondo.Text, " is not supported by Rondo: ")
		}},
	}
}

// unservedPart names them, so that no other subcommand can get lost.
func unservedPart(e Exchange) bool {
	return e.is("CLIENT TRACKING", "CLIENT TRACKINGINFO", "CLIENT GETREDIR", "CLIENT CACHING",
		"LATENCY DOCTOR", "LATENCY GRAPH", "MEMORY DOCTOR", "MEMORY PURGE", "MEMORY STATS", "MEMORY MALLOC-STATS")
}

func isEncoding(s string) bool { return s == "int" || s == "embstr" || s == "raw" }
