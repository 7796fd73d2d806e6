package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"dsss/comm"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of dsss, of its protocol and of Go",
		Example: "  dsss version",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			version := "(devel)"
			if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
				version = info.Main.Version
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "dsss %s, protocol %d, %s %s/%s\n",
				version, comm.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
