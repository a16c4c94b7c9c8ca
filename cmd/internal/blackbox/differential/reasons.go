package differential

import "strings"

// Reason excuses replies that differ. It is as narrow as it can be: what it
// does not name is still compared.
type Reason struct {
	Name, Text string
	Match      func(e Exchange) bool
}

// reasons is the written list, in three parts: what no two servers answer
// alike, what is a server's own, and what Rondo does otherwise on purpose.
func reasons() []Reason {
	return append(append(unrepeatable(), own()...), deliberate()...)
}

// unrepeatable are differences that two redis-servers show as well.
func unrepeatable() []Reason {
	return []Reason{
		{"clock", "a time left or a time of day, a few seconds apart", func(e Exchange) bool {
			switch {
			case e.is("TTL", "EXPIRETIME", "LASTSAVE", "OBJECT IDLETIME"):
				return e.integersWithin(10)
			case e.is("PTTL", "PEXPIRETIME"):
				return e.integersWithin(10_000)
			}
			return e.is("TIME") && e.sameKind() && len(e.Redis.Elems) == 2 && len(e.Rondo.Elems) == 2
		}},
		{"order", "the same elements in another order", func(e Exchange) bool {
			if e.is("SCAN") && len(e.Redis.Elems) == 2 && len(e.Rondo.Elems) == 2 && e.Redis.Elems[0].key() == e.Rondo.Elems[0].key() {
				return sameSet(e.Redis.Elems[1], e.Rondo.Elems[1])
			}
			if e.is("COMMAND INFO", "COMMAND DOCS") || e.is("COMMAND") && len(e.Args) == 1 {
				return unordered(e.Redis) == unordered(e.Rondo)
			}
			return e.is("KEYS", "CLUSTER GETKEYSINSLOT") && sameSet(e.Redis, e.Rondo)
		}},
		{"page", "SCAN within a transaction: one page of an iteration", func(e Exchange) bool {
			return e.is("SCAN") && len(e.Redis.Elems) == 2 && len(e.Rondo.Elems) == 2
		}},
		{"random", "RANDOMKEY chooses", func(e Exchange) bool {
			return e.is("RANDOMKEY") && e.sameKind() && !e.Redis.Null && !e.Rondo.Null
		}},
		{"client", "what a server tells of a connection: ids, ports, ages", func(e Exchange) bool {
			return e.is("CLIENT ID", "CLIENT INFO", "CLIENT LIST") && e.sameKind()
		}},
		{"hello", "HELLO tells the connection's id", func(e Exchange) bool {
			return e.is("HELLO") && e.sameKind() && masked(e.Redis, "id") == masked(e.Rondo, "id")
		}},
	}
}

// own are differences in what each server says of itself.
func own() []Reason {
	return []Reason{
		{"statistics", "figures and texts about the server itself", func(e Exchange) bool {
			return e.is("INFO", "SLOWLOG LEN", "SLOWLOG GET", "LATENCY LATEST", "LATENCY HISTOGRAM", "LATENCY DOCTOR", "LATENCY RESET", "MEMORY DOCTOR", "MEMORY STATS", "MEMORY USAGE") &&
				e.sameKind()
		}},
		{"topology", "node ids, addresses and epochs", func(e Exchange) bool {
			return e.is("CLUSTER INFO", "CLUSTER MYID", "CLUSTER SLOTS", "CLUSTER SHARDS", "CLUSTER NODES", "CLUSTER LINKS") &&
				e.sameKind() && sameShape(e.Redis, e.Rondo)
		}},
		{"help", "HELP lists the subcommands that each has", func(e Exchange) bool {
			return e.Sub == "HELP" && e.Redis.isArray() && e.Rondo.isArray()
		}},
		{"command-set", "COMMAND tells of the commands that each has", func(e Exchange) bool {
			return e.is("COMMAND COUNT", "COMMAND LIST") && e.sameKind()
		}},
	}
}

// masked is the key of a map's reply without the value of one field.
func masked(r Reply, field string) string {
	elems := append([]Reply(nil), r.Elems...)
	for i := 0; i+1 < len(elems); i += 2 {
		if elems[i].Text == field {
			elems[i+1] = Reply{}
		}
	}
	r.Elems = elems
	return r.key()
}

// deliberate is what Rondo does otherwise on purpose.
func deliberate() []Reason {
	return []Reason{
		{"crossslot", "on the forward face RENAME, COPY and MSETNX over two slots", func(e Exchange) bool {
			return e.Face == Forward && e.is("RENAME", "RENAMENX", "COPY", "MSETNX") && e.rondoRefuses("CROSSSLOT ")
		}},
		{"refused", "commands of Redis that make no sense here say what to use", func(e Exchange) bool {
			return e.Rondo.isError() && strings.Contains(e.Rondo.Text, " is not supported by Rondo: ")
		}},
	}
}
