package command

import (
	"bytes"

	"github.com/rondokv/rondo/engine/object"
)

// Slot returns the hash slot of a key as Redis Cluster has it: CRC-16/XMODEM of the key, or of its hash tag, modulo the
// number of slots. The tag is what is between the first '{' and the first '}' after it, unless that is nothing.
func Slot(key []byte) object.Slot {
	if open := bytes.IndexByte(key, '{'); open >= 0 {
		tag := key[open+1:]
		if end := bytes.IndexByte(tag, '}'); end > 0 {
			key = tag[:end]
		}
	}
	return object.Slot(crc16(key) % object.SlotCount)
}

const crcPolynomial = 0x1021

// crcTables[i][b] is what byte b adds to the checksum when i bytes follow it ("slicing by 4").
var crcTables = makeCRCTables()

func makeCRCTables() *[4][256]uint16 {
	t := new([4][256]uint16)
	for b := range 256 {
		c := uint16(b) << 8
		for range 8 {
			top := c&0x8000 != 0
			c <<= 1
			if top {
				c ^= crcPolynomial
			}
		}
		t[0][b] = c
	}
	for i := 1; i < len(t); i++ {
		for b := range 256 {
			c := t[i-1][b]
			t[i][b] = c<<8 ^ t[0][c>>8]
		}
	}
	return t
}

func crc16(b []byte) uint16 {
	t := crcTables
	c := uint16(0)
	for len(b) >= 4 {
		c = t[3][b[0]^byte(c>>8)] ^ t[2][b[1]^byte(c)] ^ t[1][b[2]] ^ t[0][b[3]]
		b = b[4:]
	}
	for _, x := range b {
		c = c<<8 ^ t[0][byte(c>>8)^x]
	}
	return c
}
