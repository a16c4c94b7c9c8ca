//go:build !unix

package usage

func machineID() uint64 { return 0 }

func fileSystemID(uint64, string) uint64 { return 0 }
