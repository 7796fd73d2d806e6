// Package evolved has a lock file that remembers what the program no longer has.
package evolved

//go:generate go run dsss/cmd/dsss-gen

// T has lost and gained.
//
//dsss:removed field=total func=fromTotal
//dsss:removed field=tags func=fromTags
//dsss:removed field=note
type T struct {
	added int16
	kept  string
	sum   int64           // was the int32 total
	words map[string]bool // was the slice tags
}

func (t *T) fromTotal(total int32) { t.sum = int64(total) }

func (t *T) fromTags(tags []string) {
	if t.words == nil {
		t.words = map[string]bool{}
	}
	for _, tag := range tags {
		t.words[tag] = true
	}
}

// Set keeps its id though it is no longer the first.
//
//dsss:mutator
func (t *T) Set(kept string, added int16) { t.kept, t.added = kept, added }

// AddLong replaces Add.
//
//dsss:mutator
func (t *T) AddLong(n int64) { t.sum += n }

// oldAdd replays the calls of Add in logs.
//
//dsss:mutator replays=Add
func (t *T) oldAdd(n int32) { t.AddLong(int64(n)) }

// Sum returns the sum.
func (t *T) Sum() int64 { return t.sum }

// Words returns the words.
func (t *T) Words() map[string]bool { return t.words }
