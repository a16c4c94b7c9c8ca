package harness

import "strings"

// Slots is how many slots a cluster has.
const Slots = 16384

// SlotOf is the slot of a key: CRC16 (polynomial 0x1021) of the key, or of what
// stands between its first { and the next } unless that is nothing.
func SlotOf(key string) int {
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
	return int(crc) % Slots
}
