//go:build !unix

package server

func processCPU() cpuTimes { return cpuTimes{} }

func systemName() string { return "" }
