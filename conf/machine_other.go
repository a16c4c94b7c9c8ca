//go:build !unix

package conf

func diskBytes(string) (int64, bool) { return 0, false }
