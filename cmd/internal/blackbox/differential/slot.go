package differential

import (
	"strings"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// oneSlot says whether keys lie together.
func oneSlot(keys []string) bool {
	for _, k := range keys {
		if harness.SlotOf(k) != harness.SlotOf(keys[0]) {
			return false
		}
	}
	return true
}

// apart says whether Rondo refuses a command for the slots of its keys and Redis
// runs it: after it the databases differ. TestReasons sends such commands.
func apart(face Face, args []string) bool {
	switch strings.ToUpper(args[0]) {
	case "RENAME", "RENAMENX", "COPY":
		return face == Forward && len(args) > 2 && !oneSlot(args[1:3])
	case "MSETNX":
		if face != Forward {
			return false
		}
		var keys []string
		for i := 1; i < len(args); i += 2 {
			keys = append(keys, args[i])
		}
		return len(keys) > 0 && !oneSlot(keys)
	case "WATCH":
		return !oneSlot(append([]string{watchTag}, args[1:]...))
	}
	return false
}

// watchTag names the slot of all keys that scripts watch.
const watchTag = "{t}"
