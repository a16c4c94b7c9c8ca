package conf

import (
	"log/slog"
	"math"
	"time"
)

// Headings of the documentation, in its order.
const (
	groupPlaces    = "Files and addresses"
	groupCluster   = "Cluster"
	groupData      = "Data and durability"
	groupMemory    = "Memory"
	groupClients   = "Clients and limits"
	groupTime      = "Time"
	groupObserving = "Logs and slow commands"
)

// Settings returns the table of all settings, in the order of the
// documentation. The slice is the caller's.
func Settings() []Setting {
	var all []Setting
	for _, part := range [][]Setting{placeSettings(), clusterSettings(), peerSettings(), dataSettings(), memorySettings(), clientSettings(), timeSettings(), observingSettings()} {
		all = append(all, part...)
	}
	return all
}

func placeSettings() []Setting {
	return []Setting{
		{
			Name: "dir", Group: groupPlaces, Redis: "dir",
			Doc:   "Directory of the node's data. It is created when it does not exist and is locked while the node runs.",
			codec: filePath("the path of a directory", false, func(c *Config) *string { return &c.Dir }),
		}, {
			Name: "listen", Group: groupPlaces,
			Doc:   "Where clients connect: the cluster face. Off loopback, set requirepass too: see protected-mode.",
			codec: address(false, false, func(c *Config) *string { return &c.Listen }),
		}, {
			Name: "forward", Group: groupPlaces,
			Doc:   "The forward face, for clients that know nothing of clusters: it takes any key and has databases 0 to 15. Not set: listen's host, its port + 1000. `off` closes it.",
			codec: address(true, true, func(c *Config) *string { return &c.Forward }),
		}, {
			Name: "admin", Group: groupPlaces,
			Doc:   "HTTP with /metrics, /healthz and /readyz, without a password. Not set: listen's host, its port + 12000. `off` closes it.",
			codec: address(true, true, func(c *Config) *string { return &c.Admin }),
		}, {
			Name: "peer", Group: groupPlaces,
			Doc:   "Where other nodes of the ring connect. A node that is alone listens here too, so that others can join it, if it may talk to them: see peer-tls and insecure. Not set: listen's host, its port + 10000.",
			codec: address(true, false, func(c *Config) *string { return &c.Peer }),
		}, {
			Name: "gossip", Group: groupPlaces,
			Doc:   "Where nodes tell each other who is alive, by UDP and TCP. As for peer. Not set: listen's host, its port + 11000.",
			codec: address(true, false, func(c *Config) *string { return &c.Gossip }),
		}, {
			Name: "advertise", Group: groupPlaces,
			Doc:   "The host, or host:port, that cluster clients are told to connect to. Not set: the address of listen; when that is every address of the machine, its first one that is not loopback. A node that has none refuses to start.",
			codec: advertised(func(c *Config) *string { return &c.Advertise }),
		},
	}
}

func dataSettings() []Setting {
	return []Setting{
		{
			Name: "durability", Group: groupData, Redis: "appendfsync",
			Doc:   "When an acknowledged write is on the disk: `always` before the answer, `everysec` within a second, `no` when the kernel likes. Under all three it survives the death of the process; the difference is a power cut.",
			codec: enum(func(c *Config) *Durability { return &c.Durability }, DurabilityAlways, DurabilityEverySec, DurabilityNo),
		}, {
			Name: "disk.reserve", Group: groupData, Unit: "bytes",
			Doc:   "Free space that ordinary writes leave alone. When less is free, writes are refused with an error while reads and deletes go on. `auto` is a hundredth of the file system, at least 64mb and at most 1gb.",
			codec: autoSize(1*mb, 1*tb, func(c *Config) *int64 { return &c.DiskReserve }),
		}, {
			Name: "hints.max-bytes", Group: groupData, Unit: "bytes",
			Doc:   "How many bytes of rows are kept for other nodes that could not take them. Past it no more are kept, and writes that count on a hint (ANY, SLOPPY) are refused. `auto` is a tenth of the file system, at least 64mb.",
			codec: autoSize(1*mb, 64*tb, func(c *Config) *int64 { return &c.HintsMaxBytes }),
		}, {
			Name: "accept-data-loss", Group: groupData,
			Doc:   "Open a store that is known to have lost writes, for example because its log is shorter than it was. Without it such a store is refused with an account of what is missing. Use it for one start, not as a habit.",
			codec: boolean(func(c *Config) *bool { return &c.AcceptDataLoss }),
		}, {
			Name: "partition.slots", Group: groupData,
			Doc:   "How many of the 16384 slots make a partition, the unit of placement and of locking. Fixed when a data directory is first used; 16 suits everything but rings of hundreds of nodes.",
			codec: powerOfTwo(1, 1024, func(c *Config) *int { return &c.PartitionSlots }),
		},
	}
}

func memorySettings() []Setting {
	return []Setting{
		{
			Name: "memory.limit", Group: groupMemory, Unit: "bytes",
			Doc:   "Soft limit on the memory of the process: the nearer it comes, the harder the garbage collector works. It never refuses a command. `auto` is eight tenths of the smaller of the machine's memory and the control group's limit, unless GOMEMLIMIT is set; `off` is none.",
			codec: autoSize(64*mb, 64*tb, func(c *Config) *int64 { return &c.MemoryLimit }).orWord(Off, 0, func(c *Config) *int64 { return &c.MemoryLimit }),
		}, {
			Name: "cache.rows", Group: groupMemory, Unit: "bytes",
			Doc:   "Cache of rows ready for use. `auto` is an eighth of the memory (as for memory.limit), at least 64mb and at most 8gb.",
			codec: autoSize(1*mb, 64*tb, func(c *Config) *int64 { return &c.CacheRows }),
		}, {
			Name: "cache.blocks", Group: groupMemory, Unit: "bytes",
			Doc:   "Cache of uncompressed blocks of the store. `auto` is an eighth of the memory, at least 64mb and at most 8gb.",
			codec: autoSize(1*mb, 64*tb, func(c *Config) *int64 { return &c.CacheBlocks }),
		},
	}
}

func autoSize(lo, hi int64, field func(*Config) *int64) codec {
	return size(lo, hi, field).orWord("auto", Auto, field)
}

func clientSettings() []Setting {
	return []Setting{
		{
			Name: "requirepass", Group: groupClients, Redis: "requirepass", Runtime: true, Secret: true,
			Doc:   "Password of the default user. Not set: no AUTH is needed. Prefer the variable or the file to the flag, which other users of the machine can see.",
			codec: password(512, func(c *Config) *string { return &c.RequirePass }),
		}, {
			Name: "users", Group: groupClients, Secret: true,
			Doc:   "Users beside the default one, for AUTH and HELLO: each may do everything, and may have consistency levels of its own, for clients that can put a user into a URL and can send neither CONSISTENCY nor AT. ACL SETUSER makes more of them, until the node stops. In the file it is a list; as a flag or a variable the same list on one line. Only hashes of passwords are kept.",
			codec: users(func(c *Config) *string { return &c.Users }),
		}, {
			Name: "tls.cert", Group: groupClients,
			Doc:   "Certificate that clients of both faces are shown, with those between it and its root, in PEM. With it the ports take TLS beside plain connections: the first byte tells. Not set: no TLS for clients.",
			codec: filePath("the path of a file", true, func(c *Config) *string { return &c.TLSCert }),
		}, {
			Name: "tls.key", Group: groupClients,
			Doc:   "Private key of tls.cert, in PEM.",
			codec: filePath("the path of a file", true, func(c *Config) *string { return &c.TLSKey }),
		}, {
			Name: "tls.client-ca", Group: groupClients,
			Doc:   "Who signs certificates of clients, in PEM: TLS clients must show one then. Not set: they need none.",
			codec: filePath("the path of a file", true, func(c *Config) *string { return &c.TLSClientCA }),
		}, {
			Name: "tls.required", Group: groupClients,
			Doc:   "Refuse clients that do not use TLS.",
			codec: boolean(func(c *Config) *bool { return &c.TLSRequired }),
		}, {
			Name: "protected-mode", Group: groupClients, Redis: "protected-mode", Runtime: true,
			Doc:   "While no password is set, answer only clients from this machine and tell others why.",
			codec: boolean(func(c *Config) *bool { return &c.ProtectedMode }),
		}, {
			Name: "maxclients", Group: groupClients, Redis: "maxclients", Runtime: true,
			Doc:   "Most connections at once. One more is answered with an error and closed.",
			codec: integer(1, 1_000_000, func(c *Config) *int { return &c.MaxClients }),
		}, {
			Name: "timeout", Group: groupClients, Redis: "timeout", Unit: "seconds", Runtime: true,
			Doc:   "Close a client that has sent nothing for so long. 0: never.",
			codec: duration("whole seconds such as 300 or 5m; 0 is never", span{0, math.MaxInt32 * time.Second, time.Second}, func(c *Config) *time.Duration { return &c.IdleTimeout }),
		}, {
			Name: "tcp-keepalive", Group: groupClients, Redis: "tcp-keepalive", Unit: "seconds", Runtime: true,
			Doc:   "Interval of TCP keep-alive probes on new connections, which find clients that vanished. 0: none.",
			codec: duration("whole seconds such as 300 or 5m; 0 is off", span{0, 24 * time.Hour, time.Second}, func(c *Config) *time.Duration { return &c.TCPKeepAlive }),
		}, {
			Name: "proto-max-bulk-len", Group: groupClients, Redis: "proto-max-bulk-len", Unit: "bytes", Runtime: true,
			Doc:   "Longest single argument, and so the longest value.",
			codec: size(1*mb, 512*mb, func(c *Config) *int64 { return &c.MaxBulk }),
		}, {
			Name: "client-query-buffer-limit", Group: groupClients, Redis: "client-query-buffer-limit", Unit: "bytes", Runtime: true,
			Doc:   "Longest unfinished command of one client. A client that sends more is closed. Commands that are not RESP arrays are limited to 64 KB, whatever this says.",
			codec: size(1*mb, 64*gb, func(c *Config) *int64 { return &c.QueryBufferLimit }),
		}, {
			Name: "client-output-buffer-limit", Group: groupClients, Redis: "client-output-buffer-limit", Unit: "bytes", Runtime: true,
			Doc:   "Most bytes of replies that one client has not read yet. A client that lets more pile up is closed. Written as Redis writes it, or as one size.",
			codec: outputLimit(1*mb, 64*gb, func(c *Config) *int64 { return &c.OutputBufferLimit }),
		}, {
			Name: "write-timeout", Group: groupClients, Runtime: true,
			Doc:   "Close a client that takes none of a waiting reply for so long, for each piece of 256 KB that is being written: one that never reads is closed within three times this.",
			codec: duration("a duration from 100ms to 24h, such as 60s", span{lo: 100 * time.Millisecond, hi: 24 * time.Hour}, func(c *Config) *time.Duration { return &c.WriteTimeout }),
		}, {
			Name: "command-timeout", Group: groupClients, Runtime: true,
			Doc:   "Close a client that has begun a command and sends less than 1 KB a second of it for so long.",
			codec: duration("a duration from 100ms to 24h, such as 60s", span{lo: 100 * time.Millisecond, hi: 24 * time.Hour}, func(c *Config) *time.Duration { return &c.CommandTimeout }),
		},
	}
}

func timeSettings() []Setting {
	return []Setting{
		{
			Name: "operation-timeout", Group: groupTime,
			Doc:   "The deadline of an operation that waits for other nodes: it is answered by then, with -TIMEOUT when its outcome is not known. The default is below the shortest default of the common client libraries.",
			codec: duration("a duration from 1ms to 10m, such as 800ms", span{lo: time.Millisecond, hi: 10 * time.Minute}, func(c *Config) *time.Duration { return &c.OperationTimeout }),
		}, {
			Name: "hints.window", Group: groupTime,
			Doc:   "A node that has taken no hints for so long gets no more of them, but for those that an ack counts (ANY, SLOPPY).",
			codec: duration("a duration from 1s to 720h, such as 3h", span{lo: time.Second, hi: 30 * 24 * time.Hour}, func(c *Config) *time.Duration { return &c.HintsWindow }),
		}, {
			Name: "clock.max-drift", Group: groupTime,
			Doc:   "A stamp of another node that is further ahead of this node's clock than this is refused and counted.",
			codec: duration("a duration from 10ms to 1h, such as 5s", span{lo: 10 * time.Millisecond, hi: time.Hour}, func(c *Config) *time.Duration { return &c.ClockMaxDrift }),
		}, {
			Name: "shutdown-timeout", Group: groupTime, Redis: "shutdown-timeout", Unit: "seconds",
			Doc:   "How long a stop waits for commands in flight before it closes their connections. What was acknowledged is flushed in any case.",
			codec: duration("whole seconds such as 10 or 1m", span{0, time.Hour, time.Second}, func(c *Config) *time.Duration { return &c.ShutdownTimeout }),
		},
	}
}

func observingSettings() []Setting {
	return []Setting{
		{
			Name: "log.level", Group: groupObserving, Runtime: true,
			Doc:   "Least important line that is logged.",
			codec: level(func(c *Config) *slog.Level { return &c.LogLevel }),
		}, {
			Name: "log.format", Group: groupObserving,
			Doc:   "`text` is key=value for people, `json` one object a line for programs.",
			codec: enum(func(c *Config) *LogFormat { return &c.LogFormat }, LogText, LogJSON),
		}, {
			Name: "log.file", Group: groupObserving, Redis: "logfile",
			Doc:   "File that log lines are appended to. Not set: standard error.",
			codec: filePath("the path of a file", true, func(c *Config) *string { return &c.LogFile }),
		}, {
			Name: "slowlog-log-slower-than", Group: groupObserving, Redis: "slowlog-log-slower-than", Unit: "microseconds", Runtime: true,
			Doc:   "Commands that take longer than this are kept in SLOWLOG. 0 keeps every command, -1 none.",
			codec: duration("whole microseconds such as 10000 or 10ms; -1 is off", span{-time.Microsecond, time.Hour, time.Microsecond}, func(c *Config) *time.Duration { return &c.SlowlogSlowerThan }),
		}, {
			Name: "slowlog-max-len", Group: groupObserving, Redis: "slowlog-max-len", Runtime: true,
			Doc:   "How many commands SLOWLOG keeps.",
			codec: integer(0, 1_000_000, func(c *Config) *int { return &c.SlowlogMaxLen }),
		}, {
			Name: "latency-monitor-threshold", Group: groupObserving, Redis: "latency-monitor-threshold", Unit: "milliseconds", Runtime: true,
			Doc:   "Events that take at least this long are kept for LATENCY. 0: none are.",
			codec: duration("whole milliseconds such as 100 or 1s; 0 is off", span{0, time.Hour, time.Millisecond}, func(c *Config) *time.Duration { return &c.LatencyMonitorThreshold }),
		},
	}
}
