//go:build blackbox

package moves

import (
	"os"
	"testing"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
