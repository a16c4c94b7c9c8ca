package main

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/rondokv/rondo/conf"
)

func newRoot(p process) *cobra.Command {
	root := &cobra.Command{
		Use:           "rondo",
		Short:         "A leaderless, replicated key-value store that speaks the Redis protocol",
		Args:          knownCommand,
		RunE:          helpAndFail,
		SilenceUsage:  true, // an error is one line, not a screen
		SilenceErrors: true, // run prints it
	}
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return conf.FlagError(err) })
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newServer(p), newDev(p), newAdmin(p), newConfig(p), newBench(), newVersion())
	return root
}

// helpAndFail is what a command does that needs a subcommand and has none.
func helpAndFail(cmd *cobra.Command, _ []string) error {
	if err := cmd.Help(); err != nil {
		return err
	}
	return errHelp
}

// knownCommand refuses arguments of a command that has only subcommands.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += fmt.Sprintf("; did you mean %q?", near[0])
	}
	return errors.New(text)
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "rondo %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// unreleased is the version of a build that the Go tool recorded none for.
const unreleased = "0.1.0-dev"

// version is what the Go tool recorded: the tag, or a pseudo-version made of
// the commit and its time.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return unreleased
	}
	return info.Main.Version
}
