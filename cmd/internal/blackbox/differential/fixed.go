package differential

// fixed draws a command that is the same every time. Words are separated by
// one space; two spaces make an empty argument.
func (g *generator) fixed() string {
	lines := pick(g, [][]string{connectionLines(), connectionLines(), clientLines(), serverLines(), commandLines(), strangerLines()})
	line := pick(g, lines)
	if g.face == Cluster && g.chance(10) {
		line = pick(g, clusterLines())
	}
	return line
}

func connectionLines() []string {
	return []string{
		"PING", "PING", "PING hello", "PING ", "PING a b", "ECHO hello", "ECHO ", "ECHO", "ECHO a b",
		"HELLO", "HELLO 2", "HELLO 3", "HELLO 2", "HELLO 3", "HELLO 4", "HELLO 1", "HELLO abc", "HELLO ", "HELLO 3 SETNAME foo", "HELLO 2 SETNAME", "HELLO 3 SETNAME a\tb",
		"HELLO 3 AUTH default anything", "HELLO 2 AUTH nobody wrong", "HELLO 3 AUTH default", "HELLO 3 FOO", "HELLO 2 AUTH default x SETNAME bar", "HELLO 99999999999999999999",
		"AUTH x", "AUTH default x", "AUTH nobody x", "AUTH a b c", "AUTH",
		"MULTI", "EXEC", "DISCARD", "UNWATCH", "WATCH", "RESET", "QUIT", "QUIT now",
		"READONLY", "READWRITE", "ASKING", "READONLY x",
	}
}

func clientLines() []string {
	return []string{
		"CLIENT", "CLIENT ID", "CLIENT ID x", "CLIENT GETNAME", "CLIENT GETNAME", "CLIENT SETNAME foo", "CLIENT SETNAME ", "CLIENT SETNAME a\nb", "CLIENT SETNAME bar\x7f", "client setname Mixed",
		"CLIENT INFO", "CLIENT LIST", "CLIENT LIST TYPE normal", "CLIENT LIST TYPE replica", "CLIENT LIST TYPE foo", "CLIENT LIST ID 99999999", "CLIENT LIST ID abc", "CLIENT LIST ID", "CLIENT LIST FOO",
		"CLIENT KILL ID 99999999", "CLIENT KILL ID abc", "CLIENT KILL ID 0", "CLIENT KILL 1.2.3.4:5", "CLIENT KILL TYPE foo", "CLIENT KILL FOO bar", "CLIENT KILL ID", "CLIENT KILL TYPE master",
		"CLIENT KILL ADDR 1.2.3.4:5", "CLIENT KILL LADDR 1.2.3.4:5 TYPE normal", "CLIENT KILL USER nobody", "CLIENT KILL SKIPME maybe", "CLIENT KILL ID 99999999 SKIPME no",
		"CLIENT NO-EVICT on", "CLIENT NO-EVICT off", "CLIENT NO-EVICT maybe", "CLIENT NO-EVICT",
		"CLIENT PAUSE abc", "CLIENT PAUSE -1", "CLIENT PAUSE 0", "CLIENT PAUSE 0 WRITE", "CLIENT PAUSE 0 ALL", "CLIENT PAUSE 0 FOO", "CLIENT UNPAUSE", "CLIENT UNPAUSE x",
		"CLIENT REPLY ON", "CLIENT REPLY MAYBE", "CLIENT REPLY", "CLIENT UNBLOCK 99999999", "CLIENT UNBLOCK abc", "CLIENT UNBLOCK 99999999 ERROR", "CLIENT UNBLOCK 99999999 TIMEOUT", "CLIENT UNBLOCK 9 FOO",
		"CLIENT HELP", "CLIENT FOO", "CLIENT SENTINEL x", "CLIENT MAINT_NOTIFICATIONS ON", "CLIENT TRACKING OFF", "CLIENT TRACKINGINFO", "CLIENT GETREDIR", "CLIENT CACHING YES",
		"CLIENT SETINFO LIB-NAME probe", "CLIENT NO-TOUCH off",
	}
}

func serverLines() []string {
	return []string{
		"TIME", "TIME x", "LASTSAVE", "ROLE", "ROLE x", "WAIT 0 0", "WAIT 1 10", "WAIT abc 0", "WAIT 0 abc", "WAIT 0 -1", "WAIT -1 10",
		"CONFIG", "CONFIG GET nothing-of-this-name", "CONFIG GET", "CONFIG GET save", "CONFIG GET appendonly", "CONFIG GET maxmemory", "CONFIG GET MAXMEMORY", "CONFIG GET maxmemory*policy", "CONFIG GET databases",
		"CONFIG GET cluster-enabled", "CONFIG GET timeout", "CONFIG GET maxclients", "CONFIG GET proto-max-bulk-len",
		"CONFIG SET", "CONFIG SET timeout", "CONFIG SET nothing-of-this-name 1", "CONFIG SET timeout abc", "CONFIG SET timeout 0", "CONFIG SET slowlog-max-len 128 slowlog-max-len 128", "CONFIG SET databases 3",
		"CONFIG SET slowlog-log-slower-than 10000", "CONFIG SET slowlog-max-len abc", "CONFIG RESETSTAT", "CONFIG RESETSTAT x", "CONFIG HELP", "CONFIG FOO", "CONFIG REWRITE",
		"INFO", "INFO server", "INFO nothing-of-this-name", "INFO everything", "INFO server clients",
		"OBJECT", "OBJECT HELP", "OBJECT ENCODING", "OBJECT FOO", "MEMORY", "MEMORY HELP", "MEMORY FOO", "MEMORY USAGE", "MEMORY DOCTOR", "MEMORY PURGE", "MEMORY STATS",
		"SLOWLOG", "SLOWLOG LEN", "SLOWLOG GET", "SLOWLOG GET 0", "SLOWLOG GET -1", "SLOWLOG GET -2", "SLOWLOG GET abc", "SLOWLOG RESET", "SLOWLOG HELP", "SLOWLOG FOO",
		"LATENCY", "LATENCY LATEST", "LATENCY RESET", "LATENCY RESET foo", "LATENCY HISTORY foo", "LATENCY HISTORY command", "LATENCY GRAPH foo", "LATENCY DOCTOR", "LATENCY HELP", "LATENCY FOO",
		"LATENCY HISTOGRAM nothing", "LATENCY HISTOGRAM get",
		"DEBUG", "DEBUG SLEEP 0", "DEBUG SLEEP", "MODULE LIST", "MODULE HELP", "SHUTDOWN FOO", "SHUTDOWN ABORT", "SHUTDOWN SAVE NOSAVE",
		"SAVE x", "BGSAVE FOO", "BGREWRITEAOF x", "REPLICAOF", "SWAPDB 0 abc", "SWAPDB", "MOVE", "CLUSTER", "CLUSTER INFO x", "CLUSTER FOO", "CLUSTER MYID", "CLUSTER KEYSLOT",
	}
}

func commandLines() []string {
	lines := []string{
		"COMMAND COUNT", "COMMAND COUNT x", "COMMAND LIST", "COMMAND LIST FILTERBY PATTERN ge*", "COMMAND LIST FILTERBY ACLCAT nothing", "COMMAND LIST FILTERBY FOO bar", "COMMAND LIST FOO",
		"COMMAND LIST FILTERBY MODULE none", "COMMAND INFO nothing", "COMMAND INFO get nothing set", "COMMAND INFO client|kill", "COMMAND INFO client|nothing", "COMMAND INFO client", "COMMAND INFO",
		"COMMAND DOCS get", "COMMAND DOCS nothing", "COMMAND DOCS client|kill", "COMMAND DOCS mget expire", "COMMAND HELP", "COMMAND FOO", "COMMAND GETKEYS", "COMMAND GETKEYS get", "COMMAND GETKEYS get k",
		"COMMAND GETKEYS get a b", "COMMAND GETKEYS mset a 1 b 2", "COMMAND GETKEYS mset a 1 b", "COMMAND GETKEYS nothing a", "COMMAND GETKEYS ping", "COMMAND GETKEYS set k v EX 5 NX", "COMMAND GETKEYS copy a b DB 2",
		"COMMAND GETKEYSANDFLAGS set k v", "COMMAND GETKEYSANDFLAGS set k v GET", "COMMAND GETKEYSANDFLAGS copy a b", "COMMAND GETKEYSANDFLAGS getex a PERSIST", "COMMAND GETKEYSANDFLAGS nothing a",
		"COMMAND GETKEYS memory usage k", "COMMAND GETKEYS object encoding k", "COMMAND GETKEYS object", "COMMAND GETKEYS client kill x", "COMMAND GETKEYS watch a b c", "COMMAND GETKEYS exec",
	}
	for _, name := range []string{"append", "asking", "client|list", "cluster|slots", "config|get", "copy", "dbsize", "decrby", "del", "discard", "echo", "exec", "exists", "expire", "expiretime", "flushall", "flushdb",
		"get", "getdel", "getex", "getrange", "getset", "hello", "incr", "incrbyfloat", "info", "keys", "mget", "mset", "msetnx", "multi", "object|encoding", "persist", "pexpireat", "ping", "psetex", "pttl", "quit", "randomkey",
		"readonly", "rename", "renamenx", "reset", "scan", "select", "set", "setex", "setnx", "setrange", "strlen", "substr", "time", "touch", "ttl", "type", "unlink", "unwatch", "wait", "watch", "memory|usage", "monitor", "role",
		"object", "config", "slowlog", "latency", "auth", "debug", "shutdown", "swapdb", "move", "command|info", "command|getkeys", "command", "cluster"} {
		lines = append(lines, "COMMAND INFO "+name)
	}
	return lines
}

func clusterLines() []string {
	return []string{
		"CLUSTER INFO", "CLUSTER MYID", "CLUSTER SLOTS", "CLUSTER SHARDS", "CLUSTER NODES", "CLUSTER LINKS", "CLUSTER HELP", "CLUSTER FOO", "CLUSTER REPLICAS foo", "CLUSTER SLAVES foo", "CLUSTER COUNT-FAILURE-REPORTS foo",
		"CLUSTER KEYSLOT", "CLUSTER KEYSLOT a b", "CLUSTER KEYSLOT {t}x", "CLUSTER COUNTKEYSINSLOT", "CLUSTER GETKEYSINSLOT 0", "CLUSTER SLOTS x",
	}
}

// strangerLines are no commands of anyone, or of Redis in ways that are refused
// by both.
func strangerLines() []string {
	return []string{
		"", "FOO", "FOO a b c", "foo", "FOO\r\n", "GET\x00", "FOO " + "0123456789012345678901234567890123456789012345678901234567890123456789 0123456789012345678901234567890123456789012345678901234567890123456789 x",
		"GETT k", "SETT k v", "SENTINEL masters", "JSON.GET k", "FT.SEARCH i q", "\xff\xfe", "GET|x k", "client|id", "POST / HTTP/1.1", "host: x",
	}
}

// inlines are commands without RESP around them, and what looks like them.
func inlines() []string {
	return []string{
		"PING\r\n", "PING\n", "  PING  \r\n", "ping hello\r\n", "SET {t}1 \"a b\"\r\n", "SET {t}1 'a b'\r\n", "GET {t}1\r\n", "SET {t}2 \"\\x41\\n\\t\\\"\"\r\n", "SET {t}2 'it\\'s'\r\n", "SET {t}2 \"\"\r\n",
		"ECHO \"a\\qb\"\r\n", "ECHO 'a\\nb'\r\n", "ECHO \"unbalanced\r\n", "ECHO 'unbalanced\r\n", "ECHO \"a\"b\r\n", "ECHO a\"b c\"\r\n", "ECHO \"\\xZZ\"\r\n", "FOO bar\r\n", "GET\r\n",
		"*0\r\nPING\r\n", "*-1\r\nPING\r\n", "\r\n\r\nPING\r\n", "*-5\r\nPING\r\n",
		"ECHO a\tb\r\n", "\tPING\r\n",
		// What RESP forbids: both answer an error and hang up.
		"*1\r\n:1\r\n", "*abc\r\n", "*1\r\n$abc\r\n", "*1\r\n$-1\r\n", "*1\r\n$99999999999\r\n", "*2147483648\r\n", "*99999999999999999999\r\n", "*1\r\n$99999999999999999999\r\n",
		"*2\r\n$4\r\nPING\r\n+a\r\n", "*\r\n", "*1\r\n$\r\n", "*+1\r\n$4\r\nPING\r\n", "*01\r\n$4\r\nPING\r\n", "*1\r\n$04\r\nPING\r\n", "*1\r\n$+4\r\nPING\r\n", "* 1\r\n$4\r\nPING\r\n",
		"*1 \r\n$4\r\nPING\r\n", "*1\r\n$4 \r\nPING\r\n",
	}
}
