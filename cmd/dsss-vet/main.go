// Command dsss-vet reports mutators that are not deterministic, under go vet:
//
//	go vet -vettool=$(which dsss-vet) ./...
//
// It finds what 'dsss vet ./...' finds; go vet keeps results of packages that have not changed. See package determinism
// for what is checked and for //dsss:allow. 'dsss-vet --version' prints its version.
package main

import (
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
	unitchecker.Main(determinism.Analyzer)
}
