package server

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rondokv/rondo/resp"
)

// Options are what a server is made of. Node and Cluster or Forward must be set.
type Options struct {
	Node   Node
	Logger *slog.Logger // nil: nothing is logged

	// Listeners of the two faces, already bound; nil for a face that is off. The server closes them.
	Cluster net.Listener
	Forward net.Listener
	// Admin serves HTTP: metrics, health, profiles. nil: none.
	Admin net.Listener
	// AdminRoutes adds pages to the admin server.
	AdminRoutes func(*http.ServeMux)
	// Collectors are registered with /metrics beside the server's own figures.
	Collectors []prometheus.Collector

	// Topology is the ring as cluster clients are told it, never without a value; nil: this node is alone.
	Topology TopologySource
	// Links are the connections to other nodes, for CLUSTER LINKS; nil: there are none.
	Links func() []Link

	// TLS lets clients use it; nil: they cannot.
	TLS *TLSOptions

	// Levels are those of connections that were not told others; where they say nothing, QUORUM.
	Levels Levels
	// WaitingBytes bounds the bytes of commands that wait for other nodes; more are answered with OVERLOADED. 0: 256 MB.
	WaitingBytes int64
	// Users are those beside the default one, and that one where it is not as usual: its password is Settings.RequirePass.
	Users []User
	// Keyspaces are the levels of keys by prefix.
	Keyspaces []KeyspaceRule

	// Advertise is the host and port that cluster clients are told; empty: the address of Cluster.
	Advertise string
	// PeerPort is the port that CLUSTER NODES shows after '@'.
	PeerPort int
	// Version is Rondo's own; RedisVersion, what clients are told, is fixed.
	Version string
	// ConfigFile is the path that INFO shows, Dir the data directory.
	ConfigFile, Dir string

	Settings Settings
	// Config serves CONFIG GET, SET and REWRITE; nil refuses them.
	Config ConfigTable
	// EngineInfo returns lines for INFO and MEMORY about the store, name and value in turn; nil: none.
	EngineInfo func() []Figure
	// ReplicationInfo returns lines for INFO about the node's part in the ring, name and value in turn; nil: none.
	ReplicationInfo func() []Figure
	// StoreError gives the reply to an error of the store, false when it does not know it; nil: none is known.
	StoreError func(error) (resp.Error, bool)
	// Ready says whether the node takes operations, for /readyz; nil: as soon as the server listens.
	Ready func() error
	// Writable says whether the store takes writes, for INFO; nil: it does.
	Writable func() error
	// OnShutdown is called once, on its own goroutine, when a client sends SHUTDOWN; it should stop the process.
	OnShutdown func()
}

// RedisVersion is the version of Redis that clients are told: some branch on it.
const RedisVersion = "7.0.15"

// Figure is one named number or word for people and dashboards.
type Figure struct{ Name, Value string }

// ConfigItem is one setting as CONFIG GET shows it, under Redis's name where Redis has one.
type ConfigItem struct{ Name, Value string }

// ConfigTable is the table of settings behind CONFIG. Its methods may be called at the same time.
type ConfigTable interface {
	// Items are all settings in the order of CONFIG GET *.
	Items() []ConfigItem
	// Set changes settings, all or none, and returns what the server runs with from now on. An error is a *ConfigError
	// when a setting is to blame.
	Set(changes []ConfigItem) (Settings, error)
	// Rewrite writes the present settings to the configuration file.
	Rewrite() error
}

// ConfigError names the setting that was refused and why.
type ConfigError struct {
	Name string
	// Unknown: there is no such setting. Immutable: only a restart changes it.
	Unknown, Immutable bool
	Reason             string
}

func (e *ConfigError) Error() string { return e.Name + ": " + e.Reason }

// Settings are what CONFIG SET can change while the server runs.
type Settings struct {
	RequirePass   string
	ProtectedMode bool
	MaxClients    int
	IdleTimeout   time.Duration // a client that sent nothing for so long is closed; 0 never
	TCPKeepAlive  time.Duration // 0 none

	MaxBulk           int64         // longest argument
	QueryBufferLimit  int64         // longest unfinished command
	OutputBufferLimit int64         // longest reply, and most bytes that wait for a client that does not read
	WriteTimeout      time.Duration // a client that takes no byte of a waiting reply for so long is closed
	// CommandTimeout is how long a command may stay unfinished that comes in slower than 1 KB/s.
	CommandTimeout time.Duration

	SlowlogSlowerThan time.Duration // 0 logs every command, negative none
	SlowlogMaxLen     int
	LatencyThreshold  time.Duration // 0 off
}

// DefaultSettings are the settings of a server that was told nothing.
func DefaultSettings() Settings {
	return Settings{
		ProtectedMode:     true,
		MaxClients:        10000,
		TCPKeepAlive:      300 * time.Second,
		MaxBulk:           64 << 20,
		QueryBufferLimit:  1 << 30,
		OutputBufferLimit: 256 << 20,
		WriteTimeout:      60 * time.Second,
		CommandTimeout:    60 * time.Second,
		SlowlogSlowerThan: 10 * time.Millisecond,
		SlowlogMaxLen:     128,
	}
}
