//go:build unix && !linux

package rowcache

func adviseHuge([]byte) {}
