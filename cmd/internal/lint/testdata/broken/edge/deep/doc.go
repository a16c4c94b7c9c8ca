// Package deep imports nothing.
package deep

// One is a constant.
const One = 1
