package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"dsss/internal/version"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of dsss, of its protocol and formats, and of Go",
		Example: "  dsss version",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), version.Line("dsss"))
			return err
		},
	}
}
