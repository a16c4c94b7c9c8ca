package clients

import "strings"

// Finding is a step of a client that does not work on its defaults. It is listed in docs/clients.md, with the option that
// helps if there is one.
type Finding struct {
	Client string
	Step   string
	Ring   bool   // only on a ring of several nodes
	Words  string // of the error that the client reports
	Name   string // what the table shows
}

// findings are all known ones.
func findings() []Finding {
	return []Finding{
		// The program itself wants two nodes at least, of whatever server.
		{Client: "redis-benchmark --cluster", Step: "connect", Words: "Invalid cluster: 1 node", Name: "wants 2 nodes"},
		// rueidis asks for client-side caching when it connects and takes a no for a
		// failure. The rows with DisableCache show that the rest works.
		{Client: "rueidis", Step: "connect", Words: "DisableCache must be true", Name: "needs DisableCache"},
		// redis-cli -c follows a redirection by connecting elsewhere, of which what was said before knows nothing, and --pipe
		// and --scan do not follow at all.
		{Client: "redis-cli -c", Step: "pipeline", Ring: true, Words: "All data transferred", Name: "not redirected"},
		{Client: "redis-cli -c", Step: "scan", Ring: true, Words: "the scan found", Name: "one node's"},
		{Client: "redis-cli -c", Step: "multi", Ring: true, Words: "EXEC without MULTI", Name: "not redirected"},
		// ioredis pipelines only what one node serves.
		{Client: "ioredis Cluster", Step: "pipeline", Ring: true, Words: "same slots allocation group", Name: "one node's"},
	}
}

// hampered says whether a client could not work while a node was down for a reason of its own: redis-py before 4.4 may copy
// what cannot be copied when it fetches the map from a node to which it lost its connection.
func hampered(client string, r Report) bool {
	return client == "redis-py RedisCluster" && strings.Contains(r.ErrorText(), "cannot pickle")
}

// matches says whether a step failed as the finding says.
func (f Finding) matches(r Result, step string, err error) bool {
	return r.Client == f.Client && r.Options == "" && step == f.Step && (r.Nodes > 1 || !f.Ring) && err != nil && strings.Contains(err.Error(), f.Words)
}

// seen says whether the finding is among the results, or its client did not run.
func (f Finding) seen(results []Result) bool {
	for _, r := range results {
		if r.Client == f.Client && (r.Skipped != "" || f.Ring && r.Nodes <= 1 || f.matches(r, f.Step, r.Errors[f.Step])) {
			return true
		}
	}
	return false
}

// expected names what a step's failure is known as, empty when it is not
// known. Over several slots the cluster face answers as every Redis Cluster
// does, and a client that knows nothing of clusters passes that on.
func (r Result) expected(step string, err error) string {
	for _, f := range findings() {
		if f.matches(r, step, err) {
			return f.Name
		}
	}
	if step == "mget slots" && r.Face == Cluster && strings.Contains(err.Error(), "CROSSSLOT") {
		return "CROSSSLOT"
	}
	return ""
}
