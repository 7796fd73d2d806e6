package chaos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:generate go tool dsss-gen

// A Ledger holds a list of numbers for each client, in the order in which they were appended. Clients append 1, 2, 3 and
// so on, so a list that is right is one span; whatever was lost, applied twice or out of order shows as more spans. There is
// one that every process holds, and a hosted one; no client has lists in both.
//
//dsss:hosted
type Ledger struct {
	lists map[int64]list
}

// A list is run-length coded: no entry is forgotten, however long it is.
type list struct {
	spans  []span
	length int64
}

// A span stands for the numbers from first to last.
type span struct{ first, last int64 }

// Append adds number to the client's list and returns the length of that.
//
//dsss:mutator
func (l *Ledger) Append(client, number int64) int64 {
	if l.lists == nil {
		l.lists = map[int64]list{}
	}
	own := l.lists[client]
	if n := len(own.spans); n > 0 && own.spans[n-1].last+1 == number {
		own.spans[n-1].last = number
	} else {
		own.spans = append(own.spans, span{number, number})
	}
	own.length++
	l.lists[client] = own
	return own.length
}

// Text is the state as text: the same text for the same state.
func (l *Ledger) Text() string {
	var b strings.Builder
	for _, client := range slices.SortedFunc(maps.Keys(l.lists), cmp.Compare) {
		own := l.lists[client]
		fmt.Fprint(&b, "list ", client, " ", own.length)
		for _, s := range own.spans {
			fmt.Fprintf(&b, " %d-%d", s.first, s.last)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Registers are whole numbers by key, 0 at first.
type Registers struct {
	values map[int64]int64
}

// Write sets a register and returns what it was.
//
//dsss:mutator
func (r *Registers) Write(key, value int64) int64 {
	was := r.values[key]
	r.set(key, value)
	return was
}

// Swap sets a register that is old to value, and tells whether it was.
//
//dsss:mutator
func (r *Registers) Swap(key, old, value int64) bool {
	if r.values[key] != old {
		return false
	}
	r.set(key, value)
	return true
}

func (r *Registers) set(key, value int64) {
	if r.values == nil {
		r.values = map[int64]int64{}
	}
	r.values[key] = value
}

// Get reads a register.
func (r *Registers) Get(key int64) int64 { return r.values[key] }

// Text is the state as text: the same text for the same state.
func (r *Registers) Text() string {
	var b strings.Builder
	for _, key := range slices.SortedFunc(maps.Keys(r.values), cmp.Compare) {
		fmt.Fprintln(&b, "register", key, r.values[key])
	}
	return b.String()
}
