// Command dsss-vet reports mutators that are not deterministic, under go vet:
//
//	go vet -vettool=$(which dsss-vet) ./...
//
// It finds what 'dsss vet ./...' finds; go vet keeps results of packages that have not changed. See package determinism
// for what is checked and for //dsss:allow.
package main

import (
	"golang.org/x/tools/go/analysis/unitchecker"

	"dsss/determinism"
)

func main() { unitchecker.Main(determinism.Analyzer) }
