package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/rondokv/rondo/conf"
)

func newConfig(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check, print and document settings",
		Args:  knownCommand,
		RunE:  helpAndFail,
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(newConfigCheck(p), newConfigPrint(p), newConfigDocs())
	return cmd
}

func newConfigCheck(p process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say whether a node would take these settings",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := conf.LoadSources(cmd.Flags(), "", p.env)
			if err != nil {
				return err
			}
			set := 0
			for _, s := range conf.Settings() {
				if l.Source(s.Name) != "default" {
					set++
				}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "ok: %d settings, %d of them set\n", len(conf.Settings()), set)
			return err
		},
	}
	bindSettings(cmd)
	return cmd
}

func newConfigPrint(p process) *cobra.Command {
	var secrets bool
	cmd := &cobra.Command{
		Use:   "print",
		Short: "Print every setting as YAML, with where its value comes from",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := conf.LoadSources(cmd.Flags(), "", p.env)
			if err != nil {
				return err
			}
			return l.Print(cmd.OutOrStdout(), conf.PrintOptions{Machine: conf.Probe(l.Dir), Secrets: secrets})
		},
	}
	bindSettings(cmd)
	cmd.Flags().BoolVar(&secrets, "show-secrets", false, "print passwords too")
	return cmd
}

func newConfigDocs() *cobra.Command {
	return &cobra.Command{
		Use:   "docs [file]",
		Short: "Write the documentation of all settings, as Markdown",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				_, err := fmt.Fprint(cmd.OutOrStdout(), conf.Markdown())
				return err
			}
			return os.WriteFile(args[0], []byte(conf.Markdown()), 0o644)
		},
	}
}

// bindSettings gives cmd a flag for every setting, in the order of the
// documentation.
func bindSettings(cmd *cobra.Command) {
	conf.Bind(cmd.Flags())
	cmd.Flags().SortFlags = false
}
