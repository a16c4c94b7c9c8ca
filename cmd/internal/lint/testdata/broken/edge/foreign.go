//go:build plan9

package edge

import _ "example.org/foreign"
