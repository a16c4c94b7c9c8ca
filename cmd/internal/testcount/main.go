// Command testcount runs nothing itself: it reads what `go test -json` writes,
// prints the output of what failed, and ends with one line of counts,
//
//	1234 passed, 0 failed, 5 skipped
//
// Several runs may be piped into it one after the other. It exits with 1 when
// anything failed, a package did not build, or no test ran at all: a run
// that tested nothing is no success.
//
//	go test -json ./... | testcount
//
// A test and each of its subtests count as one each. A package without tests
// counts as nothing.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	code, err := run(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testcount:", err)
	}
	os.Exit(code)
}

func run(in io.Reader, out io.Writer) (code int, err error) {
	c := newCounter(out)
	if err := c.read(in); err != nil {
		return 1, err
	}
	if err := c.finish(); err != nil {
		return 1, err
	}
	if c.failed > 0 || c.passed == 0 {
		return 1, nil
	}
	return 0, nil
}
