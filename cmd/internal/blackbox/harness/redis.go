package harness

import (
	"strconv"
	"strings"
	"testing"
)

// Redis is a redis-server of this test. It keeps nothing on disk.
type Redis struct {
	Addr string
	Log  string

	t       testing.TB
	running *process
}

// StartRedis starts a redis-server with more arguments of its command line,
// and needs one to be installed; see Tool.
func StartRedis(t testing.TB, args ...string) *Redis {
	t.Helper()
	return startRedis(t, func(int) []string { return args }, answersPing)
}

// StartRedisCluster starts a redis-server that is a cluster of one: it owns
// every slot and announces itself on loopback.
func StartRedisCluster(t testing.TB, args ...string) *Redis {
	t.Helper()
	assigned := false
	return startRedis(t, func(port int) []string {
		return append([]string{"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
			"--cluster-announce-ip", "127.0.0.1", "--cluster-announce-port", strconv.Itoa(port)}, args...)
	}, func(addr string) bool {
		if !assigned {
			assigned = strings.HasPrefix(ask(addr, "CLUSTER", "ADDSLOTSRANGE", "0", "16383"), "+OK")
		}
		return assigned && strings.Contains(ask(addr, "CLUSTER", "INFO"), "cluster_state:ok")
	})
}

func startRedis(t testing.TB, argsFor func(port int) []string, ready func(addr string) bool) *Redis {
	t.Helper()
	program := Tool(t, "redis-server")
	place := newPlace(t, "redis")
	r := &Redis{t: t, Log: place.log}
	t.Cleanup(func() {
		if r.running != nil {
			r.running.kill()
		}
	})
	for attempt := 1; ; attempt++ {
		port := mustPort(t)
		r.Addr = loopback(port)
		argv := append([]string{program, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", place.dir,
			"--save", "", "--appendonly", "no"}, argsFor(port)...)
		var err error
		if r.running, err = startProcess(r.Log, nil, argv...); err != nil {
			t.Fatal(err)
		}
		if err = r.running.await("answer to PING", func() bool { return ready(r.Addr) }); err == nil {
			return r
		}
		r.running.kill()
		if attempt == 5 || !portTaken(r.Log) {
			t.Fatalf("redis-server: %v\n%s", err, logTail(r.Log))
		}
	}
}

// PID is the process id of the server.
func (r *Redis) PID() int { return r.running.cmd.Process.Pid }

// Running says whether the server has not ended.
func (r *Redis) Running() bool { return !r.running.exited() }
