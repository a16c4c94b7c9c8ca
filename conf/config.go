package conf

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Durability says when an acknowledged write is on the disk itself. Under every
// policy it has been handed to the kernel before the acknowledgement, so it
// survives the death of the process.
type Durability string

const (
	// DurabilityAlways syncs before the acknowledgement: nothing acknowledged is lost with the power.
	DurabilityAlways Durability = "always"
	// DurabilityEverySec syncs once a second: the last second may go with the power.
	DurabilityEverySec Durability = "everysec"
	// DurabilityNo leaves syncing to the kernel.
	DurabilityNo Durability = "no"
)

// Rebalance says who plans changes of the ring.
type Rebalance string

const (
	// RebalanceAuto plans by itself once who comes and goes has been the same for a while.
	RebalanceAuto Rebalance = "auto"
	// RebalanceManual leaves it to rondo admin ring.
	RebalanceManual Rebalance = "manual"
)

// LogFormat is how log lines are written.
type LogFormat string

const (
	// LogText is key=value lines for people.
	LogText LogFormat = "text"
	// LogJSON is one JSON object a line.
	LogJSON LogFormat = "json"
)

// Auto in a size asks Resolve to choose it from the machine.
const Auto int64 = -1

// Off in an address closes that listener; in memory.limit it sets no limit.
const Off = "off"

// Config is every setting as typed, plain data. Sizes are bytes and addresses
// are host:port. Before Resolve a size may be Auto and an address empty
// (derived from Listen); after it none is.
type Config struct {
	File string // path of the YAML file that was read; empty for none
	Dir  string // data directory

	Listen    string // cluster face: where clients connect
	Forward   string // forward face, or Off
	Peer      string // links between nodes
	Gossip    string // membership
	Admin     string // HTTP: metrics and health, or Off
	Advertise string // host or host:port that clients are told; empty: derived, see AdvertiseAddr

	Founders      string // host:gossipport,...: the first nodes; see FounderList. Empty: none
	Join          string // host:gossipport,...: nodes of the ring to be admitted to; see JoinList
	Rebalance     Rebalance
	TransferRate  int64 // bytes a second that moving partitions may take; 0 no bound
	ClusterName   string
	Replicas      int    // configured N; a ring of one keeps one copy
	ReplicasByDC  string // N by datacenter instead; see CopiesByDC. Empty: one N
	ReadLevel     string // as CONSISTENCY writes it
	WriteLevel    string
	Keyspaces     string // as JSON; see KeyspaceRules
	Rack, DC      string
	Weight        int
	PeerAdvertise string // host that other nodes dial, for peer and gossip; empty: derived
	GossipKey     string // see GossipKeys; empty: plain text
	PeerTLS       string // directory of PEM files; empty: TCP without TLS
	Insecure      bool   // nodes may talk off loopback without key and certificate

	PartitionSlots int // slots in a partition, a power of two
	Durability     Durability
	HintsMaxBytes  int64 // bound of the hints; Auto before Resolve
	DiskReserve    int64 // bytes kept free on the file system of Dir; Auto before Resolve
	AcceptDataLoss bool  // open a store that is known to have lost writes

	MemoryLimit int64 // soft limit of the Go runtime; 0 none, Auto before Resolve
	CacheRows   int64 // row cache; Auto before Resolve
	CacheBlocks int64 // block cache; Auto before Resolve

	RequirePass   string // password of the default user; empty for none
	TLSCert       string // PEM file; empty: no TLS for clients
	TLSKey        string
	TLSClientCA   string // empty: clients need no certificate
	TLSRequired   bool   // refuse clients without TLS
	Users         string // as JSON, passwords as hashes; see UserList
	ProtectedMode bool   // without a password answer only loopback clients

	MaxClients        int
	IdleTimeout       time.Duration // close a client that sent nothing for so long; 0 never
	TCPKeepAlive      time.Duration // 0 off
	MaxBulk           int64         // longest argument
	QueryBufferLimit  int64         // longest unfinished command of one client
	OutputBufferLimit int64         // most unread reply bytes of one client
	WriteTimeout      time.Duration // a client that takes no byte of a waiting reply for so long is closed
	CommandTimeout    time.Duration // a client whose unfinished command comes in at less than 1 KB/s for so long is closed

	OperationTimeout time.Duration // an operation not finished by then is answered with an error
	HintsWindow      time.Duration // no more hints for a node that has taken none for so long
	ClockMaxDrift    time.Duration // a stamp further ahead of the own clock is refused
	ShutdownTimeout  time.Duration // how long a stop waits for what is in flight

	LogLevel  slog.Level
	LogFormat LogFormat
	LogFile   string // empty: stderr

	SlowlogSlowerThan       time.Duration // 0 logs every command, negative none
	SlowlogMaxLen           int
	LatencyMonitorThreshold time.Duration // 0 off
}

// Default returns the settings of a node that was told nothing.
func Default() Config {
	return Config{
		Dir:                     "./data",
		Listen:                  "127.0.0.1:6379",
		Rebalance:               RebalanceAuto,
		TransferRate:            64 * mb,
		ClusterName:             "rondo",
		Replicas:                3,
		ReadLevel:               "QUORUM",
		WriteLevel:              "QUORUM",
		Weight:                  1,
		PartitionSlots:          16,
		Durability:              DurabilityEverySec,
		DiskReserve:             Auto,
		MemoryLimit:             Auto,
		CacheRows:               Auto,
		CacheBlocks:             Auto,
		ProtectedMode:           true,
		MaxClients:              10000,
		TCPKeepAlive:            300 * time.Second,
		MaxBulk:                 64 * mb,
		QueryBufferLimit:        1 * gb,
		OutputBufferLimit:       256 * mb,
		WriteTimeout:            60 * time.Second,
		CommandTimeout:          60 * time.Second,
		OperationTimeout:        800 * time.Millisecond,
		ClockMaxDrift:           5 * time.Second,
		HintsMaxBytes:           Auto,
		HintsWindow:             3 * time.Hour,
		ShutdownTimeout:         10 * time.Second,
		LogLevel:                slog.LevelInfo,
		LogFormat:               LogText,
		SlowlogSlowerThan:       10 * time.Millisecond,
		SlowlogMaxLen:           128,
		LatencyMonitorThreshold: 0,
	}
}

// Validate checks every setting alone and then those that depend on each
// other. The error joins one *Error for each setting that is wrong.
func (c Config) Validate() error {
	var errs []error
	for _, s := range Settings() {
		scratch := c
		if err := s.Set(&scratch, s.Get(c)); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if c.QueryBufferLimit < c.MaxBulk {
		errs = append(errs, &Error{
			Setting: "client-query-buffer-limit", Value: FormatSize(c.QueryBufferLimit),
			Expected: fmt.Sprintf("at least proto-max-bulk-len, which is %s", FormatSize(c.MaxBulk)),
		})
	}
	if _, err := c.addresses(); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, c.checkTLS()...)
	if c.Founders != "" && c.Join != "" {
		errs = append(errs, &Error{Setting: "join", Value: c.Join, Expected: "nothing beside founders: a node founds a ring or joins one"})
	}
	if c.Founders != "" || c.Join != "" {
		if err := c.CheckPeers(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Resolve replaces every "auto" and every derived address by its value on
// machine m. Listen with port 0 gives every derived address port 0.
func (c Config) Resolve(m Machine) (Config, error) {
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	a, err := c.addresses()
	if err != nil {
		return Config{}, err
	}
	c.Listen, c.Forward, c.Peer, c.Gossip, c.Admin = a.listen, a.forward, a.peer, a.gossip, a.admin
	if c.MemoryLimit == Auto {
		c.MemoryLimit = share(m.MemoryBytes/10*8, 64*mb, 64*tb)
	}
	if c.CacheRows == Auto {
		c.CacheRows = share(m.MemoryBytes/8, 64*mb, 8*gb)
	}
	if c.CacheBlocks == Auto {
		c.CacheBlocks = share(m.MemoryBytes/8, 64*mb, 8*gb)
	}
	if c.DiskReserve == Auto {
		c.DiskReserve = share(m.DiskBytes/100, 64*mb, 1*gb)
	}
	if c.HintsMaxBytes == Auto {
		c.HintsMaxBytes = share(m.DiskBytes/10, 64*mb, 64*tb)
	}
	return c, nil
}

// share is n in whole megabytes, between lo and hi.
func share(n, lo, hi int64) int64 { return clamp(n-n%mb, lo, hi) }

func clamp(n, lo, hi int64) int64 { return min(max(n, lo), hi) }
