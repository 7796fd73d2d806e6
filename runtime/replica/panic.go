package replica

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"time"

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
	e := &PanicError{Seq: at.seq, Stack: cut(string(debug.Stack())), Value: rendered(func() string { return fmt.Sprint(value) })}
	if at.object != nil {
		e.Object, e.Method = at.object.Name, at.method.Name
		if at.method.JSON != nil {
			args := bytes.Clone(at.args) // rendering may outlive what they alias
			e.Arguments = rendered(func() string { return at.method.JSON(args) })
		}
	}
	return e
}

// rendered returns what render does. Methods of the program may do it: they may panic too, end their goroutine, or never
// return, and the report goes on without them.
func rendered(render func() string) string {
	text := make(chan string, 1)
	go func() {
		t := "(not shown: rendering it ended the goroutine)"
		defer func() {
			if p := recover(); p != nil {
				t = fmt.Sprintf("(not shown: rendering it panicked: %v)", p)
			}
			text <- t
		}()
		t = render()
	}()
	select {
	case t := <-text:
		return cut(t)
	case <-time.After(limits.PanicRender):
		return fmt.Sprintf("(not shown: rendering it took longer than %v)", limits.PanicRender)
	}
}

func cut(s string) string { return s[:min(len(s), limits.PanicText)] }
