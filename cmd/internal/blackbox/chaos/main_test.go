//go:build blackbox

package chaos

import (
	"os"
	"testing"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

func TestMain(m *testing.M) {
	if code, moved := moveApart(); moved {
		os.Exit(code)
	}
	os.Exit(harness.Main(m))
}
