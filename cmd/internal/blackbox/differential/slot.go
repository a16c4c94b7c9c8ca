package differential

import "strings"

// slotOf is the slot of a key: CRC16 (polynomial 0x1021) of the key, or of what
// stands between its first { and the next } unless that is nothing.
func slotOf(key string) int {
	if _, after, found := strings.Cut(key, "{"); found {
		if tag, _, closed := strings.Cut(after, "}"); closed && tag != "" {
			key = tag
		}
	}
	crc := uint16(0)
	for i := range len(key) {
		crc ^= uint16(key[i]) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			if crc <<= 1; carry {
				crc ^= 0x1021
			}
		}
	}
	return int(crc) % 16384
}

// oneSlot says whether keys lie together.
func oneSlot(keys []string) bool {
	for _, k := range keys {
		if slotOf(k) != slotOf(keys[0]) {
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
