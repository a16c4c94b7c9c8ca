package harness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// lookWithin bounds a question to a node's admin HTTP, or a command that asks one.
const lookWithin = 10 * time.Second

// Run runs rondo with some arguments, as an operator does who has a terminal on the node's machine, and returns what it printed.
// The node's admin address is added.
func (n *Node) Run(args ...string) ([]byte, error) {
	cmd := exec.Command(n.opts.Binary, append(args, "--addr", n.Admin)...)
	var out, complaint bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = cleanEnvironment(), &out, &complaint
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	late := time.AfterFunc(6*lookWithin, func() { _ = cmd.Process.Kill() }) // Wait tells
	defer late.Stop()
	if err := cmd.Wait(); err != nil {
		return out.Bytes(), fmt.Errorf("rondo %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out.Bytes(), nil
}

// Page gets a page of the node's admin HTTP.
func (n *Node) Page(path string) ([]byte, error) {
	client := http.Client{Timeout: lookWithin}
	reply, err := client.Get("http://" + n.Admin + path)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(reply.Body)
	if err := errors.Join(err, reply.Body.Close()); err != nil {
		return nil, err
	}
	if reply.StatusCode != http.StatusOK {
		return body, fmt.Errorf("%s: %s: %s", path, reply.Status, bytes.TrimSpace(body))
	}
	return body, nil
}

// Metric reads one of the node's metrics: the sum of those whose labels contain a text.
func (n *Node) Metric(name, label string) (sum float64, err error) {
	page, err := n.Page("/metrics")
	if err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(bytes.NewReader(page))
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), " ")
		family, labels, _ := strings.Cut(key, "{")
		if !ok || family != name || !strings.Contains(labels, label) {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", lines.Text(), err)
		}
		sum += v
	}
	return sum, lines.Err()
}

// clockTicks is how many ticks a second the kernel counts processor time in, wherever Go runs.
const clockTicks = 100

// CPU is the time that the node's process has had of processors, in user and kernel mode. Where the system does not tell, 0.
func (n *Node) CPU() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.PID()))
	if err != nil {
		return 0
	}
	// The name is in parentheses and may hold blanks; user and system time are the 12th and 13th field behind it.
	_, rest, _ := strings.Cut(string(text[max(bytes.LastIndexByte(text, ')'), 0):]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	ticks := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / clockTicks
}
