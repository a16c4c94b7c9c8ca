// Package inner has no line in the import rules.
package inner

import "example.com/broken/edge/deep"

// Three is a constant.
const Three = deep.One + 2

// Changed is changed by another package.
var Changed = 3
