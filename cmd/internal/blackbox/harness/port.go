package harness

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are drawn from a range that the kernel does not hand out by itself, and
// whose derived ports (forward, peer, gossip, admin; redis-server's cluster
// bus) stay below 32768, where it starts to.
const (
	lowestPort  = 10000
	highestPort = 20700
)

var errNoPort = errors.New("no port found whose derived ports are free as well")

// derivedPorts are the offsets of the ports that a node opens.
func derivedPorts() []int { return []int{0, 1000, 10000, 11000, 12000} }

// FreePort finds a port that is free on loopback together with those derived
// from it. Another process may take it before it is used: StartRondo and
// StartRedis try again.
func FreePort() (int, error) {
	for range 200 {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		if allFree(port) {
			return port, nil
		}
	}
	return 0, errNoPort
}

func allFree(port int) bool {
	for _, d := range derivedPorts() {
		l, err := net.Listen("tcp", loopback(port+d))
		if err != nil {
			return false
		}
		_ = l.Close() // it was open for a moment only
	}
	return true
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
