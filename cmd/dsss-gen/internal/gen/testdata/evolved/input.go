// Package evolved has a lock file that remembers what the program no longer has.
package evolved

//go:generate go run dsss/cmd/dsss-gen

// T has lost and gained.
type T struct {
	added int16
	kept  string
}

// Set keeps its id though it is no longer the first.
//
//dsss:mutator
func (t *T) Set(kept string, added int16) { t.kept, t.added = kept, added }
