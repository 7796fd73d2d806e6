// Command dsss-vet reports mutators that are not deterministic, under go vet:
//
//	go vet -vettool=$(which dsss-vet) ./...
//
// It finds what 'dsss vet ./...' finds; go vet keeps results of packages that have not changed. See package determinism
// for what is checked and for //dsss:allow. 'dsss-vet --version' prints its version.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"

	"golang.org/x/tools/go/analysis/unitchecker"

	"dsss/determinism"
	"dsss/internal/version"
)

func main() {
	if len(os.Args) == 2 && (os.Args[1] == "--version" || os.Args[1] == "-version") {
		fmt.Println(version.Line("dsss-vet"))
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "-V=full" {
		if err := identify(); err != nil {
			fmt.Fprintln(os.Stderr, "dsss-vet:", err)
			os.Exit(1)
		}
		return
	}
	unitchecker.Main(determinism.Analyzer)
}

// identify answers go vet, which keeps results as long as the answer is the same. unitchecker.Main would do it, but with the
// path of the program in front, and go vet does not understand a path with blanks.
func identify() error {
	name, err := os.Executable()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	_, err = fmt.Printf("dsss-vet version devel buildID=%x\n", sha256.Sum256(text))
	return err
}
