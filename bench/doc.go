// Package bench loads a server that speaks the Redis protocol and says how
// fast it answered. It knows its target only through the protocol and, for
// Compare, through the operating system's account of the server process, so it
// measures Rondo and redis-server alike.
//
// There are four entry points:
//
//   - Run drives a mix of SET and GET through go-redis, as an application
//     would, and reports throughput and HDR percentiles. Load fills the
//     key space first.
//   - OpenLoop is Run fixed to uniform GETs at a constant rate, the shape of
//     load that shows how a data set larger than memory behaves.
//   - Compare starts several servers, gives them short turns, pins servers and
//     client to a core each, and prints what every server costs. It drives them
//     through a raw epoll client, because go-redis spends more CPU on a lone
//     request than the servers need to answer it: on a core it would measure
//     itself.
//   - MeasureCluster starts a cluster and says what an operation costs all its
//     nodes together, at each level, beside a Redis primary with replicas, and
//     from profiles of the nodes where the time went.
//
// # Closed and open loops
//
// Without a rate, each connection sends its next pipeline when the replies to
// the last one have arrived (a closed loop), and latency counts from the
// sending. A server that stalls then also stalls the client, which sends
// nothing while it ought to be suffering: the stall shows as one slow request a
// connection instead of thousands ("coordinated omission").
//
// With a rate, every request has an intended start, start + n/rate, fixed
// before the run. Latency counts from the intended start whatever the reason
// that delayed the sending: a busy connection, a full queue, the client's own
// scheduling. When the server cannot keep up, latency grows with the length
// of the run, as it would for users.
//
// The commands of one pipeline share one latency: from its (intended) start
// to, in Run, the end of the whole pipeline and, in Compare's raw client, the
// arrival of each reply.
//
// # Keys and values
//
// Keys are prefix + 12 decimal digits ("key:000000000042", the form
// redis-benchmark uses, so that either can load data for the other). Zipfian
// ranks pass through a bijection of the key numbers first: hot keys are spread
// over the key space and its slots, and no two ranks share a key.
//
// Values are cut from a pool of random bytes; a given share of each value
// can be made compressible.
//
// # CPU per operation
//
// Compare's main figure is the CPU time of the server process divided by the
// operations done. It hardly moves when the client is the bottleneck or the
// machine is busy, where throughput follows both. What does move it, the
// kernel's share on a virtual machine whose cores the host moves about, Compare
// cancels by taking ratios between turns that are a second apart.
//
// # What this package is not
//
// It does not check that replies are right, beyond counting errors and
// missing keys, and it holds no flags: the command line belongs to its caller.
// Compare and MeasureCluster need Linux.
package bench
