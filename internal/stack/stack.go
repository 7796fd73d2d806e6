// Package stack shortens stacks of goroutines to what a program's author can mend.
package stack

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// ours are the beginnings of functions that are not the program's.
var ours = []string{"runtime.", "runtime/", "reflect.", "internal/", "dsss.", "dsss/class.", "dsss/runtime/", "dsss/comm.", "dsss/comm/", "dsss/internal/"}

// Trim returns, of one goroutine's stack as runtime/debug.Stack renders it, the frames of the program: those of Go's
// runtime, of reflect, of DSSS and of generated code are left out, and so is what a panic's report adds above it. A stack
// without any is returned whole.
func Trim(text string) string {
	head, frames := split(text)
	if i := slices.IndexFunc(frames, func(f frame) bool { return strings.HasPrefix(f.function, "panic(") }); i >= 0 {
		frames = frames[i+1:]
	}
	frames = slices.DeleteFunc(frames, frame.ours)
	if len(frames) == 0 {
		return text
	}
	return join(head, frames)
}

// Everything returns the stacks of this process's goroutines, without those frames and without goroutines of nothing but
// them and the standard library, at most most bytes of them. Those that apply mutations come first.
func Everything(most int) string {
	buf := make([]byte, 64<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) || len(buf) >= 16*most {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	var first, others []string
	for block := range strings.SplitSeq(string(buf), "\n\n") {
		head, frames := split(block)
		applies := slices.ContainsFunc(frames, func(f frame) bool {
			return strings.HasPrefix(f.function, "dsss/runtime/replica.(*Replica).Apply(")
		})
		frames = slices.DeleteFunc(frames, frame.ours)
		switch {
		case !slices.ContainsFunc(frames, frame.program):
		case applies:
			first = append(first, join(head, frames))
		default:
			others = append(others, join(head, frames))
		}
	}
	text := strings.Join(append(first, others...), "\n")
	return text[:min(len(text), most)]
}

// A frame is one call of a stack, in two lines.
type frame struct{ function, place string }

func (f frame) ours() bool {
	name := strings.TrimPrefix(f.function, "created by ")
	return slices.ContainsFunc(ours, func(p string) bool { return strings.HasPrefix(name, p) }) || strings.Contains(f.place, "_dsss.go:")
}

// library is the folder of Go's standard library, as stacks name it; empty when they do not (-trimpath).
var library = func() string {
	f := runtime.FuncForPC(reflect.ValueOf(strings.Cut).Pointer())
	file, _ := f.FileLine(f.Entry())
	dir, _ := strings.CutSuffix(file, "strings/strings.go")
	return dir
}()

// program tells whether the frame is neither DSSS's nor of the standard library, as far as can be told.
func (f frame) program() bool {
	return !f.ours() && (library == "" || !strings.HasPrefix(f.place, "\t"+library))
}

func split(text string) (head string, frames []frame) {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := 1; i+1 < len(lines); i += 2 {
		frames = append(frames, frame{lines[i], lines[i+1]})
	}
	return lines[0], frames
}

func join(head string, frames []frame) string {
	var b strings.Builder
	b.WriteString(head + "\n")
	for _, f := range frames {
		b.WriteString(f.function + "\n" + f.place + "\n")
	}
	return b.String()
}
