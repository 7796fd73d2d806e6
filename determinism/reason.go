package determinism

import (
	"cmp"
	"fmt"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
)

// Category names a kind of reason for which a mutator is not deterministic.
type Category string

// The categories. Reader and Failure are about what may change the state, and when. Sharing and Result are about isolation:
// what a copy shares inside itself is lost in a checkpoint, and what it shares with its caller can be changed without a
// mutation.
const (
	Clock       Category = "clock"       // the time, timers, the time zone of the machine
	Random      Category = "random"      // random numbers that are not Order's
	Environment Category = "environment" // environment variables, arguments, host, runtime
	IO          Category = "io"          // files, network, standard streams, logs, C
	Goroutine   Category = "goroutine"   // go statements and what stands for them
	Channel     Category = "channel"     // send, receive, select, close
	Sync        Category = "sync"        // waiting for others
	MapOrder    Category = "map-order"   // the order of a map reaches state or result
	Global      Category = "global"      // package-level variables that are not constant
	Address     Category = "address"     // memory addresses, unsafe
	Finalizer   Category = "finalizer"   // what the garbage collector decides
	Sharing     Category = "sharing"     // two places of the state share memory
	Result      Category = "result"      // a result shares memory with the state
	Reader      Category = "reader"      // what only reads writes to the state
	Failure     Category = "failure"     // a mutator changes the state and then returns an error
	Unknown     Category = "unknown"     // a package of the standard library that the table does not know
	Silence     Category = "silence"     // a //dsss:allow without a reason or a use
)

// A Reason says why a function is not deterministic.
type Reason struct {
	Category Category
	What     string // a verb and its object: "calls time.Now"
	At       Place  // where that is done
	Through  []Step // the functions called on the way there, outermost first; empty when the function does it itself
	Hint     string // what to do instead
}

// A Step is a function, or a variable by its initial value, on the way to a reason.
type Step struct {
	Package string // import path
	Name    string // "Take", "(*Pool).Take"
	At      Place  // of its declaration
}

// A Place is a line of a file. It holds no folder, so that facts do not depend on the machine.
type Place struct {
	Package string // import path
	File    string // base name
	Line    int
}

// A Finding is one thing to change in a mutator, or a comment that silences nothing.
type Finding struct {
	Position token.Position // in the mutator
	Mutator  string         // "(*Pool).Take", or the codec's name; empty for Silence
	Reason
	// Also are other reasons of the same category that the same call leads to.
	Also    []Reason
	Message string // all of it in one line, without the position

	pos token.Pos
}

// String returns the finding as compilers write theirs.
func (f Finding) String() string { return fmt.Sprintf("%v: %s", f.Position, f.Message) }

func compareFindings(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Position.Filename, b.Position.Filename),
		cmp.Compare(a.Position.Line, b.Position.Line),
		cmp.Compare(a.Position.Column, b.Position.Column),
		cmp.Compare(a.Message, b.Message),
	)
}

// message returns a finding's line, as seen from a package.
func message(from *types.Package, m mutator, direct bool, r Reason) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s is not deterministic: %s", m.kind, m.name, r.What)
	switch r.Category {
	case Sharing, Result, Reader, Failure:
		b.Reset()
		fmt.Fprintf(&b, "%s %s %s", m.kind, m.name, r.What)
	}
	if !direct {
		fmt.Fprintf(&b, " at %s", r.At.from(from))
	}
	for i, s := range r.Through {
		sep := ", "
		if i == 0 {
			sep = " through "
		}
		fmt.Fprintf(&b, "%s%s (%s)", sep, s.from(from), s.At.from(from))
	}
	if r.Hint != "" {
		fmt.Fprintf(&b, ": %s", r.Hint)
	}
	return b.String()
}

// alsoNamed is how many further reasons a message names; the others it counts.
const alsoNamed = 3

// also is what a message says of further reasons.
func also(from *types.Package, more []Reason) string {
	var b strings.Builder
	for i, r := range more {
		switch {
		case i == alsoNamed:
			fmt.Fprintf(&b, ", and %d more", len(more)-i)
			return b.String()
		case i == 0:
			b.WriteString("; also ")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s at %s", r.What, r.At.from(from))
	}
	return b.String()
}

func (p Place) from(pkg *types.Package) string {
	if p.Package == pkg.Path() {
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s/%s:%d", p.Package, p.File, p.Line)
}

func (s Step) from(pkg *types.Package) string {
	if s.Package == pkg.Path() || strings.Contains(s.Name, " ") {
		return s.Name // a field or interface says so itself
	}
	base := s.Package[strings.LastIndexByte(s.Package, '/')+1:]
	if rest, ok := strings.CutPrefix(s.Name, "(*"); ok {
		return "(*" + base + "." + rest
	}
	return base + "." + s.Name
}

func (p *pkg) place(pos token.Pos) Place {
	at := p.pass.Fset.Position(pos)
	return Place{p.pass.Pkg.Path(), filepath.Base(at.Filename), at.Line}
}

// shortName returns a function's name within its package: "F", "T.M" or "(*T).M".
func shortName(fn *types.Func) string {
	recv := fn.Signature().Recv()
	if recv == nil {
		return fn.Name()
	}
	if t, ok := recv.Type().(*types.Pointer); ok {
		return fmt.Sprintf("(*%s).%s", typeName(t.Elem()), fn.Name())
	}
	return typeName(recv.Type()) + "." + fn.Name()
}

func typeName(t types.Type) string {
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return n.Obj().Name()
	}
	return types.TypeString(t, func(*types.Package) string { return "" })
}
