// Command rondo runs a Rondo node and the tools around it.
//
//	rondo server        a node
//	rondo dev           a cluster on this machine, to try things
//	rondo admin ...     look at a running node and its ring
//	rondo config ...    check, print and document settings
//	rondo bench ...     put load on a server
//	rondo version
//
// It is the only package that knows all others: it reads the settings, opens
// the store, hands it to the node and the node to the listeners (node.go), and
// stops them in the opposite order.
//
// Exit status: 0 after a stop that was asked for, 1 after an error, 130 when a
// second signal cut the stop short; rondo admin advise has more of them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	ctx, stop := stopOnSignal(context.Background())
	code := run(ctx, os.Args[1:], process{env: os.Environ(), in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// process is what a command may touch of the process that runs it.
type process struct {
	env []string
	in  io.Reader // nil: nobody types
	out io.Writer // what was asked for
	err io.Writer // logs and errors
}

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string, p process) int {
	root := newRoot(p)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if answer := exitStatus(0); errors.As(err, &answer) {
		return int(answer)
	}
	for line := range strings.SplitSeq(explain(err), "\n") {
		_, _ = fmt.Fprintf(p.err, "rondo: %s\n", line) // nobody is left to tell
	}
	return 1
}

// errHelp makes a command without a subcommand fail after it has printed its help.
var errHelp = errors.New("a command is missing; see above")
