// Command dsss-gen writes what lets annotated Go structs be shared by the processes of a DSSS job.
//
// Usage:
//
//	dsss-gen [--check | --explain] [DIR...]
//
// It reads the package in each DIR, by default in the current folder, normally by
//
//	//go:generate go tool dsss-gen
//
// and for each struct that has methods marked
//
//	//dsss:mutator
//
// it writes beside it TYPE_dsss.go (a proxy, SharedTYPE, with OpenTYPE to open one, and the codecs behind it) and
// TYPE.fbs (the wire form, as flatc reads it). A struct marked //dsss:hosted has a second proxy, HostedTYPE with
// OpenTYPEHosted. The ids of mutators, arguments and fields are kept in dsss.lock, which is to be committed with them. What it
// has written for a struct that has no mutators any more, or another name, it removes.
//
// Other marks, and the options of this one, are listed by dsss-gen --help, and in docs/directives.md with an example each.
//
// A generic struct becomes a class by an alias, type IntQueue = Queue[int]. What may be a field, argument or result, and how
// it travels, is in docs/types.md; how a program may change, in docs/evolution.md.
//
// Exit status: 0 when the files are written or up to date; 1 when the source is refused, with one line for each reason,
// or when --check finds a file that would change; 2 for wrong usage. Nothing is written unless everything is.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"dsss/cmd/dsss-gen/internal/gen"
	"dsss/internal/cli"
	versions "dsss/internal/version"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

const usage = `usage: dsss-gen [--check | --explain] [DIR...]

Writes TYPE_dsss.go and TYPE.fbs for each struct of the package in DIR (default .)
that has methods marked //dsss:mutator, and the package's ids to dsss.lock.

`

// directives lists the marks that the source may have.
func directives() string {
	var b strings.Builder
	b.WriteString("\nMarks, directly above what they are about (docs/directives.md has an example of each):\n")
	for _, d := range gen.Directives {
		fmt.Fprintf(&b, "  %v\n      on %s: %s\n", d, d.On, d.Does)
	}
	return b.String()
}

// run is the command; it returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	flags := pflag.NewFlagSet("dsss-gen", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	check := flags.Bool("check", false, "write nothing; exit 1 and name the files that would change")
	explain := flags.Bool("explain", false, "write nothing; print ids, bytes per call, calls that could be combined, and the schema")
	version := flags.Bool("version", false, "print the version and exit")
	help := flags.BoolP("help", "h", false, "print this help and exit")
	fail := func(status int, err error) int {
		fmt.Fprintf(stderr, "dsss-gen: %v\n", err)
		return status
	}
	if err := flags.Parse(args); err != nil {
		return fail(2, fmt.Errorf("%s; see dsss-gen --help", cli.FlagError(flags, err)))
	}
	switch {
	case *help:
		fmt.Fprint(stdout, usage, flags.FlagUsages(), directives())
		return 0
	case *version:
		fmt.Fprintln(stdout, versions.Line("dsss-gen"))
		return 0
	}
	dirs := flags.Args()
	if len(dirs) == 0 {
		dirs = []string{"."}
	}
	if err := areFolders(dirs); err != nil {
		return fail(2, err)
	}
	if *explain && *check {
		return fail(2, errors.New("--check and --explain are two different questions; ask one"))
	}
	if *explain {
		return explained(dirs, stdout, stderr)
	}
	changed, problems, err := generate(dirs)
	switch {
	case err != nil:
		return fail(1, err)
	case len(problems) > 0:
		for _, p := range problems {
			fmt.Fprintln(stderr, p)
		}
		return 1
	case !*check:
		if err := gen.Write(changed); err != nil {
			return fail(1, err)
		}
		for _, f := range changed {
			if f.Gone {
				fmt.Fprintf(stdout, "removed %s, which no class is behind any more\n", f.Name)
			}
		}
		return 0
	}
	for _, f := range changed {
		what := "is not up to date"
		if f.Gone {
			what = "is of no class any more"
		}
		fmt.Fprintf(stderr, "%s %s; run go generate\n", f.Name, what)
	}
	return min(1, len(changed))
}

// explained prints what there is to say about the classes of each folder.
func explained(dirs []string, stdout, stderr io.Writer) (status int) {
	for _, dir := range dirs {
		text, err := gen.Explain(dir)
		var problems gen.Problems
		switch {
		case errors.As(err, &problems):
			for _, p := range problems {
				p.File = filepath.Join(dir, p.File)
				fmt.Fprintln(stderr, p)
			}
			status = 1
		case err != nil:
			fmt.Fprintf(stderr, "dsss-gen: %v\n", err)
			status = 1
		default:
			fmt.Fprint(stdout, text)
		}
	}
	return status
}

func areFolders(dirs []string) error {
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("%w; name the folder of a Go package", err)
		}
		if !info.IsDir() {
			return fmt.Errorf("%s is a file; name its folder", dir)
		}
	}
	return nil
}

// generate returns the files of all folders that are not as they should be, or what is wrong with the sources. Names of
// files begin as the folders were named.
func generate(dirs []string) ([]gen.File, gen.Problems, error) {
	var all []gen.File
	var problems gen.Problems
	for _, dir := range dirs {
		files, err := gen.Generate(dir)
		var found gen.Problems
		if errors.As(err, &found) {
			for _, p := range found {
				p.File = filepath.Join(dir, p.File)
				problems = append(problems, p)
			}
		} else if err != nil {
			return nil, nil, err
		}
		for _, f := range files {
			all = append(all, gen.File{Name: filepath.Join(dir, filepath.Base(f.Name)), Text: f.Text, Gone: f.Gone})
		}
	}
	changed, err := gen.Changed(all)
	return changed, problems, err
}
