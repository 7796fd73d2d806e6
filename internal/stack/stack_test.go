package stack

import (
	"strings"
	"testing"
)

const panicked = `goroutine 21 [running]:
runtime/debug.Stack()
	/usr/lib/go/src/runtime/debug/stack.go:26 +0x5e
dsss/runtime/replica.place.panicked({0x9, 0xc0})
	/src/dsss/runtime/replica/panic.go:27 +0x4a
dsss/runtime/replica.(*Replica).Apply.func1()
	/src/dsss/runtime/replica/replica.go:120 +0x5a
panic({0x7a2b00?, 0xc000014a98?})
	/usr/lib/go/src/runtime/panic.go:783 +0x132
runtime.goPanicIndex(0x5, 0x3)
	/usr/lib/go/src/runtime/panic.go:115 +0x74
example.com/pool.(*Queue).at(...)
	/home/me/pool/queue.go:17
sort.Slice({0x7a2b00, 0xc0}, 0xc1)
	/usr/lib/go/src/sort/slice.go:29 +0x1
reflect.Value.call({0x7a2b00, 0xc0})
	/usr/lib/go/src/reflect/value.go:581 +0xcc6
main.(*Pool).Take(0xc0, 0x1)
	/home/me/pool.go:41 +0x1d
main.init.func3({0x1, 0x2, 0x3}, 0xc0, {0x1})
	/home/me/pool_dsss.go:101 +0x1d
dsss/class.NewMutator[...].func1({0x1, 0x2, 0x3}, {0x7b0f40, 0xc0}, {0x0, 0x0, 0x0}, {0x0, 0x0})
	/src/dsss/class/mutator.go:45 +0xb2
dsss/runtime/session.(*Session).read(0xc0)
	/src/dsss/runtime/session/read.go:20 +0x2d
created by dsss/runtime/session.Open in goroutine 1
	/src/dsss/runtime/session/session.go:140 +0x1c5
`

func TestTrim(t *testing.T) {
	want := `goroutine 21 [running]:
example.com/pool.(*Queue).at(...)
	/home/me/pool/queue.go:17
sort.Slice({0x7a2b00, 0xc0}, 0xc1)
	/usr/lib/go/src/sort/slice.go:29 +0x1
main.(*Pool).Take(0xc0, 0x1)
	/home/me/pool.go:41 +0x1d
`
	if got := Trim(panicked); got != want {
		t.Errorf("got\n%s", got)
	}
	for _, whole := range []string{"", "one line", "goroutine 1 [running]:\nruntime.main()\n\t/x.go:1\n"} {
		if got := Trim(whole); got != whole {
			t.Errorf("%q became %q", whole, got)
		}
	}
}

func TestEverything(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	defer close(end)
	go func() {
		close(begun)
		<-end
	}()
	<-begun
	text := Everything(1 << 16)
	if !strings.Contains(text, "main.main()") || strings.Contains(text, "runtime.") || strings.Contains(text, "internal/stack") {
		t.Errorf("got\n%s", text)
	}
	if got := Everything(100); len(got) != 100 {
		t.Errorf("%d bytes", len(got))
	}
}
