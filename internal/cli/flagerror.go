// Package cli is what our commands have in common that read flags with pflag.
package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"dsss/internal/setting"
)

// FlagError says in one line what is wrong with a command line that flags did not take: the flag as it is typed, what it
// was given, and what it takes, or which flag was probably meant.
func FlagError(flags *pflag.FlagSet, err error) string {
	var bad *pflag.InvalidValueError
	if errors.As(err, &bad) {
		f := bad.GetFlag()
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand
		}
		return fmt.Sprintf("%s %q: %s", name, bad.GetValue(), Want(f, bad.Unwrap()))
	}
	line := strings.SplitN(err.Error(), "\n", 2)[0]
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var names []string
		flags.VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if s := setting.Suggest(unknown.GetSpecifiedName(), names); s != "" {
			line += ": did you mean --" + s + "?"
		}
	}
	return line
}

// Want says what a flag takes, given the error of its Set.
func Want(f *pflag.Flag, err error) string {
	if errors.Is(err, strconv.ErrSyntax) || errors.Is(err, strconv.ErrRange) { // of pflag's own values
		switch f.Value.Type() {
		case "bool":
			return "want true or false"
		case "int":
			return "want a whole number"
		default:
			return "want a number"
		}
	}
	return strings.SplitN(err.Error(), "\n", 2)[0]
}
