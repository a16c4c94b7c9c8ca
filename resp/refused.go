package resp

import "strings"

// Why a command of Redis is refused and what serves instead.
const (
	whyDurable = "every write is handed to the log before it is acknowledged; choose when the log is synced with the 'durability' setting (always, everysec, no)"
	whyNoRoles = "no node is a master or a replica of another; nodes join a ring with 'rondo server --join'"
	whyMeet    = "nodes find each other by gossip; start the new node with 'rondo server --join'"
	whySlots   = "slots are placed by the ring itself; see 'rondo admin ring' for plans"
	whyForget  = "nodes leave by a plan; use 'rondo admin ring'"
	whyEpoch   = "epochs are decided by the ring itself"
	whySaved   = "the ring is stored durably by itself"
	whyReset   = "a node gets a new identity from an empty data directory"
	whyModule  = "there are no modules; commands are built in"
	whySwapDB  = "exchanging two databases is not one step on a ring of partitions; FLUSHDB empties a database, COPY with the DB option copies a key"
	whyACLFile = "users are those of the 'users' setting and of ACL SETUSER, which lasts until the node stops"
	whyACLLog  = "refused attempts are counted; see acl_access_denied_auth and acl_access_denied_cmd in INFO"
	whyACLDry  = "a user may run every command or none; see ACL GETUSER"
	whyMove    = "use COPY with the DB option and DEL, within MULTI if they must be one step"
)

// refusal is the reply that refuses the command of that name; empty for those
// that are served.
func refusal(name string) Error {
	why := refusalWhy(name)
	if why == "" {
		return ""
	}
	words := strings.ToUpper(strings.ReplaceAll(name, "|", " "))
	return Error("ERR " + words + " is not supported by Rondo: " + why)
}

func refusalWhy(name string) string {
	switch name {
	case "save", "bgsave", "bgrewriteaof":
		return whyDurable
	case "replicaof", "slaveof", "sync", "psync", "failover",
		"cluster|failover", "cluster|replicate":
		return whyNoRoles
	case "cluster|meet":
		return whyMeet
	case "cluster|addslots", "cluster|addslotsrange", "cluster|delslots",
		"cluster|delslotsrange", "cluster|setslot", "cluster|flushslots":
		return whySlots
	case "cluster|forget":
		return whyForget
	case "cluster|bumpepoch", "cluster|set-config-epoch":
		return whyEpoch
	case "cluster|saveconfig":
		return whySaved
	case "cluster|reset":
		return whyReset
	case "module|load", "module|loadex", "module|unload":
		return whyModule
	case "swapdb":
		return whySwapDB
	case "acl|load", "acl|save":
		return whyACLFile
	case "acl|log":
		return whyACLLog
	case "acl|dryrun":
		return whyACLDry
	case "move":
		return whyMove
	}
	return ""
}
