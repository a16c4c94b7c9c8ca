//go:build unix

package server

import "golang.org/x/sys/unix"

func processCPU() cpuTimes {
	var self, children unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &self) != nil || unix.Getrusage(unix.RUSAGE_CHILDREN, &children) != nil {
		return cpuTimes{}
	}
	return cpuTimes{
		sys: seconds(self.Stime), user: seconds(self.Utime),
		childSys: seconds(children.Stime), childUser: seconds(children.Utime),
	}
}

func seconds(t unix.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

// systemName is what uname says: system, release, machine.
func systemName() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
}
