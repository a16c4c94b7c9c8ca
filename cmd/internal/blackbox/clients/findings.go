package clients

import "strings"

// Finding is a client that does not work on its defaults. It is listed in
// docs/clients.md with the option that helps.
type Finding struct {
	Client string
	Words  string // of the error that the client reports
	Name   string // what the table shows
}

// findings are all known ones.
func findings() []Finding {
	return []Finding{
		// The program itself wants two nodes at least, of whatever server.
		{Client: "redis-benchmark --cluster", Words: "Invalid cluster: 1 node", Name: "wants 2 nodes"},
		// rueidis asks for client-side caching when it connects and takes a no for a
		// failure. The rows with DisableCache show that the rest works.
		{Client: "rueidis", Words: "DisableCache must be true", Name: "needs DisableCache"},
	}
}

// matches says whether a step failed as the finding says.
func (f Finding) matches(r Result, step string, err error) bool {
	return r.Client == f.Client && r.Options == "" && step == "connect" && err != nil && strings.Contains(err.Error(), f.Words)
}

// seen says whether the finding is among the results, or its client did not run.
func (f Finding) seen(results []Result) bool {
	for _, r := range results {
		if r.Client == f.Client && (r.Skipped != "" || f.matches(r, "connect", r.Errors["connect"])) {
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
