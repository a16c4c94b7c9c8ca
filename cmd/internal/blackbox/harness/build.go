package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const binaryVariable = "RONDO_BIN"

// Main is the body of a TestMain: it builds rondo unless RONDO_BIN names one,
// runs the tests and returns their exit code.
func Main(m *testing.M) int {
	if os.Getenv(binaryVariable) != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "rondo-bin-")
	if err != nil {
		return complain(err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a left-over is no failure of the tests
	binary, err := Build(dir)
	if err != nil {
		return complain(err)
	}
	if err := os.Setenv(binaryVariable, binary); err != nil {
		return complain(err)
	}
	return m.Run()
}

// Build compiles cmd/rondo into dir, with flags such as -race or -tags, and
// returns the path of the binary.
func Build(dir string, flags ...string) (string, error) {
	binary := filepath.Join(dir, "rondo")
	args := append([]string{"build", "-o", binary}, flags...)
	out, err := exec.Command("go", append(args, "github.com/rondokv/rondo/cmd/rondo")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build cmd/rondo: %w\n%s", err, out)
	}
	return binary, nil
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "FAIL:", err)
	return 1
}
