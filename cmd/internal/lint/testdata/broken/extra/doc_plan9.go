// Package extra is not in the layout.
package extra
