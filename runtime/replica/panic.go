package replica

import (
	"fmt"
	"runtime/debug"

	"dsss/internal/limits"
)

// A PanicError says that a mutator panicked. Every replica panics at the same sequence number; the job stops there,
// and a resumed one leaves that mutation out.
type PanicError struct {
	Seq            uint64
	Object, Method string
	Arguments      string // JSON where the class can render it
	Value          string // what was passed to panic
	Stack          string
}

// Error names object, mutator, place and reason in one line.
func (e *PanicError) Error() string {
	return fmt.Sprintf("mutator %s of %s panicked at sequence number %d: %s", e.Method, e.Object, e.Seq, e.Value)
}

func (at place) panicked(value any) *PanicError {
	e := &PanicError{Seq: at.seq, Value: cut(fmt.Sprint(value)), Stack: cut(string(debug.Stack()))}
	if at.object != nil {
		e.Object, e.Method = at.object.Name, at.method.Name
		if at.method.JSON != nil {
			e.Arguments = cut(at.method.JSON(at.args))
		}
	}
	return e
}

func cut(s string) string { return s[:min(len(s), limits.PanicText)] }
