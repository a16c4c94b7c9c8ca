package harness

import (
	"os"
	"strconv"
	"testing"
)

// Number is a whole number of the environment, or one of two defaults: the second in a short run.
func Number(t *testing.T, name string, full, short int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		if testing.Short() {
			return short
		}
		return full
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
