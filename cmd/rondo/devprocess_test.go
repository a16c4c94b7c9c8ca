package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// startDev starts rondo dev and waits for its line of JSON.
func startDev(t *testing.T, errs *bytes.Buffer, args ...string) (*exec.Cmd, devCluster) {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"dev", "--json", "--arg=--partition.slots=1024"}, args...)...)
	cmd.Env = append(os.Environ(), actAsRondo+"=1")
	cmd.Stderr = errs
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var c devCluster
	if err := json.NewDecoder(stdout).Decode(&c); err != nil {
		t.Fatalf("%v: %s", err, errs)
	}
	return cmd, c
}

// gone is nil when no node of c takes connections.
func gone(c devCluster) error {
	for _, n := range c.Nodes {
		if conn, err := net.Dial("tcp", n.Clients); err == nil {
			_ = conn.Close()
			return fmt.Errorf("node %d is still there", n.Number)
		}
	}
	return nil
}

// rondo dev with scripts in mind: one line of JSON, all stopped at the end, and the same cluster again from its directory.
func TestDev(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dev")
	var first devCluster
	for round := range 2 {
		var errs bytes.Buffer
		cmd, c := startDev(t, &errs, "--nodes", "3", "--replicas", "2", "--dir", dir, "--port", "0")
		if len(c.Nodes) != 3 || c.Replicas != 2 {
			t.Fatalf("%+v", c)
		}
		if round == 0 {
			first = c
			eventually(t, func() error { return expect(say(t, c.Nodes[0].Forward, "SET hello world"), "+OK") })
		} else if c.Nodes[2].Clients != first.Nodes[2].Clients {
			t.Errorf("other addresses: %+v, %+v", first, c)
		}
		eventually(t, func() error { return expect(say(t, c.Nodes[2].Forward, "GET hello"), "world") })
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v: %s", err, &errs)
		}
		if err := gone(c); err != nil {
			t.Error(err)
		}
	}
	code, _, errs := command(t, nil, "dev", "--nodes", "4", "--dir", dir)
	if code != 1 || !strings.Contains(errs, "holds a cluster of 3 nodes, not 4") {
		t.Errorf("exit status %d: %s", code, errs)
	}
}

// Killed, it takes its nodes along, where the kernel can see to that.
func TestDevKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("nothing ends the children of a killed process here")
	}
	var errs bytes.Buffer
	cmd, c := startDev(t, &errs, "--nodes", "3", "--dir", filepath.Join(t.TempDir(), "dev"), "--port", "0")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	eventually(t, func() error { return gone(c) })
}
