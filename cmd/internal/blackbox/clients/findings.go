package clients

import "strings"

// Finding is a client that needs an option to be set. It is listed in
// docs/clients.md under its option.
type Finding struct {
	Client string
	Face   Face
	Option string
	Why    string
}

// findings are all known ones.
func findings() []Finding { return nil }

// expected names what a step's failure is known as, empty when it is not
// known. Over several slots the cluster face answers as every Redis Cluster
// does, and a client that knows nothing of clusters passes that on.
func (r Result) expected(step string, err error) string {
	if step == "mget slots" && r.Face == Cluster && strings.Contains(err.Error(), "CROSSSLOT") {
		return "CROSSSLOT"
	}
	if step == "mget slots" && slotsUnderstood(err) {
		return "by client"
	}
	return ""
}

// slotsUnderstood says whether a cluster client refused keys of several slots
// by itself, before it sent anything.
func slotsUnderstood(err error) bool {
	for _, words := range []string{"same slot", "same hash slot", "multi key command with different key slots"} {
		if strings.Contains(strings.ToLower(err.Error()), words) {
			return true
		}
	}
	return false
}
