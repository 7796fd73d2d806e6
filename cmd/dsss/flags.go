package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dsss/internal/cli"
	"dsss/internal/launchenv"
	"dsss/internal/setting"
)

// A value is what a flag of ours was set to. It takes nothing but what is allowed.
type value struct {
	text string // as it was written
	kind string // what help calls it
	set  func(string) error
}

func (v *value) String() string { return v.text }
func (v *value) Type() string   { return v.kind }

// Set takes s, or returns an error that says what is wanted.
func (v *value) Set(s string) error {
	err := v.set(s)
	if err == nil {
		v.text = s
	}
	return err
}

// define adds a flag that set reads. def is the default; empty: set is not called when nothing is given.
func define(f *pflag.FlagSet, name, short, def, kind, usage string, set func(string) error) *pflag.Flag {
	v := &value{kind: kind, set: set}
	if def != "" {
		if err := v.Set(def); err != nil {
			panic(fmt.Sprintf("default of --%s: %v", name, err))
		}
	}
	return f.VarPF(v, name, short, usage)
}

// into stores what read returns.
func into[T any](to *T, read func(string) (T, error)) func(string) error {
	return func(s string) error {
		v, err := read(s)
		if err == nil {
			*to = v
		}
		return err
	}
}

func whole(to *int, r setting.Range[int]) func(string) error {
	return into(to, func(s string) (int, error) { return setting.Int(s, r) })
}

func duration(to *time.Duration, r setting.Range[time.Duration]) func(string) error {
	return into(to, func(s string) (time.Duration, error) { return setting.Duration(s, r) })
}

// word stores what check lets pass.
func word[T ~string](to *T, check func(string) error) func(string) error {
	return into(to, func(s string) (T, error) { return T(s), check(s) })
}

// given refuses the empty text: it is mostly a shell variable that was not set.
func given(want string) func(string) error {
	return func(s string) error {
		if s == "" {
			return errors.New("want " + want)
		}
		return nil
	}
}

// choose completes a flag's value from a list.
func choose(c *cobra.Command, flag string, words ...string) {
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
}

// Flags may be set by variables, too: --keep by DSSS_KEEP. A flag counts more than a variable, and that more than the
// default.

// variable is the annotation of a flag that may be set by one.
const variable = "variable"

// fromVariable lets a flag be set by the variable DSSS_NAME, and has help say so.
func fromVariable(f *pflag.Flag) {
	name := launchenv.Setting(f.Name)
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[variable] = []string{name}
	f.Usage += " [" + name + "]"
}

// readVariables sets the flags that are not set from their variables, those that are not empty. It takes the variables
// out of the environment: they are meant for this command, and not for those that a job's processes run.
func readVariables(f *pflag.FlagSet) (err error) {
	f.VisitAll(func(f *pflag.Flag) {
		if len(f.Annotations[variable]) == 0 {
			return
		}
		name := f.Annotations[variable][0]
		text := os.Getenv(name)
		_ = os.Unsetenv(name) // fails for malformed names only
		if f.Changed || text == "" {
			return
		}
		if wrong := f.Value.Set(text); wrong != nil && err == nil {
			err = &exitError{2, fmt.Sprintf("%s=%q: %s", name, text, cli.Want(f, wrong))}
		}
		f.Annotations[variable] = append(f.Annotations[variable], "")
	})
	return err
}

// origins says which flags do not have their defaults, and why.
func origins(f *pflag.FlagSet) string {
	var out []string
	f.VisitAll(func(f *pflag.Flag) {
		switch v := f.Annotations[variable]; {
		case f.Changed:
			out = append(out, fmt.Sprintf("--%s=%s by flag", f.Name, f.Value))
		case len(v) > 1:
			out = append(out, fmt.Sprintf("--%s=%s by %s", f.Name, f.Value, v[0]))
		}
	})
	if out == nil {
		return "all flags have their defaults"
	}
	return strings.Join(out, ", ") + "; all else by default"
}

// verbs refuses arguments of a command that only has others below it, and names the one that was probably meant.
func verbs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("no command given")
	}
	var names []string
	for _, v := range c.Commands() {
		if v.IsAvailableCommand() {
			names = append(names, v.Name())
		}
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], c.CommandPath())
	if s := setting.Suggest(args[0], names); s != "" {
		text += ": did you mean '" + c.CommandPath() + " " + s + "'?"
	}
	return errors.New(text)
}
