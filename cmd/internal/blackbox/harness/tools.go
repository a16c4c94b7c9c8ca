package harness

import (
	"os"
	"os/exec"
	"testing"
)

// Tool finds a program that a test needs. Without it the test is skipped,
// visibly, or fails where REQUIRE_TOOLS=1 says that everything is installed.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name)
	}
	return path
}

// Missing ends a test that cannot do without something that is not installed.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("REQUIRE_TOOLS") == "1" {
		t.Fatalf("%s is not installed and REQUIRE_TOOLS=1", what)
	}
	t.Skipf("SKIPPED: %s is not installed", what)
}
