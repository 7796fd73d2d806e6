package chaos

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
)

//go:generate go tool dsss-gen

// A Ledger holds a list of numbers for each client, in the order in which they were appended. Clients append 1, 2, 3 and
// so on, so a list that is right is one span; whatever was lost, applied twice or out of order shows as more spans.
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

// dump writes a state as text: the same text for the same state.
func dump(w io.Writer, l *Ledger, r *Registers) error {
	for _, client := range slices.SortedFunc(maps.Keys(l.lists), cmp.Compare) {
		own := l.lists[client]
		if _, err := fmt.Fprint(w, "list ", client, " ", own.length); err != nil {
			return err
		}
		for _, s := range own.spans {
			if _, err := fmt.Fprintf(w, " %d-%d", s.first, s.last); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(r.values), cmp.Compare) {
		if _, err := fmt.Fprintln(w, "register", key, r.values[key]); err != nil {
			return err
		}
	}
	return nil
}
