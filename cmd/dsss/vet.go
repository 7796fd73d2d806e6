package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"dsss/determinism"
)

const vetLong = `Check that the mutators in PACKAGES are deterministic: all processes of a job apply the same mutations, and must
come to the same state. PACKAGES are patterns of the go command; the default is the package in this folder.

Mutators are methods marked //dsss:mutator and functions passed to class.NewMutator. What they call is followed through
packages. Reported are: clock, random numbers, environment, I/O, goroutines, channels, locks, map order that reaches
state or result, variable globals, addresses, and memory that a checkpoint would part. So are writes to state in getters
and in functions given to View and Await, and mutators that change the state and then return an error.

A comment //dsss:allow REASON on a line, or alone on the line before, says that the line is all right.

--json prints an array of findings instead; their fields are file, line, column, mutator, category, what, at (file,
line), through (name, file, line), also (others that the same call leads to: name, file, line), hint, message. Files in at and through begin with the import path.

Exit code: 0 when nothing was found, 1 when something was, 2 when the packages cannot be checked.

go vet -vettool=$(which dsss-vet) PACKAGES checks the same.`

func vetCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "vet [flags] [PACKAGES]",
		Short:   "Check that mutators are deterministic",
		Long:    vetLong,
		Example: "  dsss vet ./...",
		Args:    cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, patterns []string) error {
			if len(patterns) == 0 {
				patterns = []string{"."}
			}
			found, err := determinism.Check(c.Context(), "", patterns...)
			if err != nil {
				return &exitError{2, "vet: " + strings.TrimSpace(strings.SplitN(err.Error(), "\n", 2)[0])}
			}
			if err := printFindings(c.OutOrStdout(), found, asJSON); err != nil {
				return &exitError{1, "vet: " + err.Error()}
			}
			if len(found) > 0 {
				return &exitError{code: 1}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	return c
}

// finding and place are the JSON forms of a determinism.Finding.
type finding struct {
	File     string  `json:"file"`
	Line     int     `json:"line"`
	Column   int     `json:"column"`
	Mutator  string  `json:"mutator,omitempty"`
	Category string  `json:"category"`
	What     string  `json:"what"`
	At       place   `json:"at"`
	Through  []place `json:"through,omitempty"`
	Also     []place `json:"also,omitempty"`
	Hint     string  `json:"hint,omitempty"`
	Message  string  `json:"message"`
}

type place struct {
	Name string `json:"name,omitempty"`
	File string `json:"file"`
	Line int    `json:"line"`
}

func printFindings(to io.Writer, found []determinism.Finding, asJSON bool) error {
	dir, _ := os.Getwd() // without one, paths are printed as they are
	list := make([]finding, 0, len(found))
	for _, f := range found {
		if rel, err := filepath.Rel(dir, f.Position.Filename); err == nil && !strings.HasPrefix(rel, "..") {
			f.Position.Filename = rel
		}
		if !asJSON {
			if _, err := fmt.Fprintln(to, f); err != nil {
				return err
			}
			continue
		}
		j := finding{
			File: f.Position.Filename, Line: f.Position.Line, Column: f.Position.Column, Mutator: f.Mutator,
			Category: string(f.Category), What: f.What, At: placeOf("", f.At), Hint: f.Hint, Message: f.Message,
		}
		for _, s := range f.Through {
			j.Through = append(j.Through, placeOf(s.Name, s.At))
		}
		for _, r := range f.Also {
			j.Also = append(j.Also, placeOf(r.What, r.At))
		}
		list = append(list, j)
	}
	if !asJSON {
		return nil
	}
	e := json.NewEncoder(to)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(list)
}

func placeOf(name string, p determinism.Place) place {
	return place{name, p.Package + "/" + p.File, p.Line}
}
