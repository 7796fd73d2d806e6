package main

import (
	"os"

	"github.com/spf13/cobra"

	"dsss/launcher/fleet"
)

// guardCommand is what 'dsss run' starts beside itself; see package fleet.
func guardCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "guard",
		Short:  "Kill what a launcher leaves behind when it is killed (started by dsss run)",
		Hidden: true,
		Args:   cobra.NoArgs,
		Run:    func(*cobra.Command, []string) { fleet.Guard(os.Stdin) },
	}
}
