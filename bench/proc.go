package bench

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// clockTick is USER_HZ, the unit of the times in /proc/PID/stat: 100 a second
// on every Linux platform that Go runs on.
const clockTick = 10 * time.Millisecond

// cpuTimes is the CPU time of a process.
type cpuTimes struct {
	user, system time.Duration // to 10 ms
	total        time.Duration // to the nanosecond where the kernel says so
}

func (c cpuTimes) sub(b cpuTimes) cpuTimes {
	return cpuTimes{user: c.user - b.user, system: c.system - b.system, total: c.total - b.total}
}

// parseStat reads utime and stime, fields 14 and 15, of /proc/PID/stat. The
// second field is the command's name in parentheses, which may itself hold
// spaces and parentheses, so fields count from the last ")".
func parseStat(stat []byte) (cpuTimes, error) {
	_, name, ok := bytes.Cut(stat, []byte("("))
	end := bytes.LastIndexByte(name, ')')
	if !ok || end < 0 {
		return cpuTimes{}, fmt.Errorf("bench: no command name in stat %.60q", stat)
	}
	const firstField, utime = 3, 14
	fields := bytes.Fields(name[end+1:])
	if len(fields) < utime+2-firstField {
		return cpuTimes{}, fmt.Errorf("bench: %d fields in stat, too few", len(fields)+firstField-1)
	}
	var ticks [2]uint64
	for i := range ticks {
		n, err := strconv.ParseUint(string(fields[utime-firstField+i]), 10, 63)
		if err != nil {
			return cpuTimes{}, fmt.Errorf("bench: CPU time in stat: %w", err)
		}
		ticks[i] = n
	}
	c := cpuTimes{user: time.Duration(ticks[0]) * clockTick, system: time.Duration(ticks[1]) * clockTick}
	c.total = c.user + c.system
	return c, nil
}

// parseRSS reads VmRSS, in bytes, of /proc/PID/status.
func parseRSS(status []byte) (int64, error) {
	for line := range bytes.Lines(status) {
		rest, ok := bytes.CutPrefix(line, []byte("VmRSS:"))
		if !ok {
			continue
		}
		kb, err := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte(" kB"))), 10, 53)
		if err != nil {
			return 0, fmt.Errorf("bench: VmRSS: %w", err)
		}
		return kb << 10, nil
	}
	return 0, errors.New("bench: no VmRSS in status: the process has ended")
}

// parseIO reads syscr and syscw of /proc/PID/io: how many calls of the kinds of read and write, on files and sockets, the
// process has made.
func parseIO(io []byte) (calls int64, err error) {
	found := 0
	for line := range bytes.Lines(io) {
		name, v, _ := bytes.Cut(line, []byte(":"))
		if string(name) != "syscr" && string(name) != "syscw" {
			continue
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(v)), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("bench: %s: %w", name, err)
		}
		calls += n
		found++
	}
	if found != 2 {
		return 0, errors.New("bench: neither syscr nor syscw in io")
	}
	return calls, nil
}
