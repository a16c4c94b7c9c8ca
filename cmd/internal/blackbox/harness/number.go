package harness

import (
	"fmt"
	"os"
	"strconv"
	"testing"
)

// Number is a whole number of the environment, or one of two defaults: the second in a short run.
func Number(t *testing.T, name string, full, short int) int {
	t.Helper()
	return fromEnvironment(t, name, full, short, strconv.Atoi)
}

// Float is a number above 0 of the environment, or one of two defaults: the second in a short run.
func Float(t *testing.T, name string, full, short float64) float64 {
	t.Helper()
	return fromEnvironment(t, name, full, short, func(text string) (float64, error) {
		f, err := strconv.ParseFloat(text, 64)
		if err == nil && f <= 0 {
			err = fmt.Errorf("%q is not above 0", text)
		}
		return f, err
	})
}

func fromEnvironment[T any](t *testing.T, name string, full, short T, parse func(string) (T, error)) T {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		if testing.Short() {
			return short
		}
		return full
	}
	n, err := parse(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
