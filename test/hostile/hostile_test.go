package hostile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

var errRefused = errors.New("refused")

// a recorder takes what Try reports.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

// counted is a reader of a buffer of a count and as many bytes.
func counted(name string, fault func(n uint32, in Input) error) Reader {
	return Reader{
		Name:    name,
		Seeds:   []Input{{{4, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}}, {{0, 0, 0, 0, 9, 9, 9, 9}}},
		Refusal: errRefused,
		Times:   8,
		Read: func(in Input) (func() (Input, error), error) {
			if len(in) != 1 || len(in[0]) < 8 {
				return nil, errRefused
			}
			n := binary.LittleEndian.Uint32(in[0])
			if err := fault(n, in); err != nil {
				return nil, err
			}
			if int(n) > len(in[0])-4 {
				return nil, errRefused
			}
			kept := bytes.Clone(in[0])
			return func() (Input, error) { return Input{kept}, nil }, nil
		},
	}
}

var sink []byte

// TestTryFinds: each fault of a reader is found, and a reader without one passes.
func TestTryFinds(t *testing.T) {
	unstable := counted("unstable", func(uint32, Input) error { return nil })
	read := unstable.Read
	unstable.Read = func(in Input) (func() (Input, error), error) {
		again, err := read(in)
		if err != nil || in[0][0] != 3 {
			return again, err
		}
		return func() (Input, error) { in, err := again(); in[0][4]++; return in, err }, nil
	}
	forgetful := counted("forgetful", func(n uint32, _ Input) error { return nil })
	forgetful.Read = func(in Input) (func() (Input, error), error) {
		again, err := read(in)
		if err == nil && in[0][0] == 2 {
			return func() (Input, error) { return Input{{1}}, nil }, nil
		}
		return again, err
	}
	for _, c := range []struct {
		reader Reader
		want   string
	}{
		{counted("sound", func(uint32, Input) error { return nil }), ""},
		{counted("panics", func(n uint32, in Input) error { _ = in[0][min(n, 1<<20)]; return nil }), "panic: runtime error: index out of range"},
		{counted("allocates", func(n uint32, _ Input) error { sink = make([]byte, min(n, 1<<24)); return nil }), "bytes of allocations"},
		{counted("other error", func(n uint32, _ Input) error {
			if n > 1<<30 {
				return errors.New("elsewhere")
			}
			return nil
		}), "error elsewhere is not refused"},
		{counted("refuses a seed", func(n uint32, _ Input) error {
			if n == 4 {
				return errRefused
			}
			return nil
		}), "a seed is refused"},
		{unstable, "encoded otherwise a second time"},
		{forgetful, "its own encoding is refused"},
	} {
		r := &recorder{TB: t}
		counts := Try(r, 1, 20_000, []Reader{c.reader})
		said := strings.Join(r.said, "\n")
		if (said == "") != (c.want == "") || !strings.Contains(said, c.want) {
			t.Errorf("%s: Try said %q, want %q", c.reader.Name, said, c.want)
		}
		if c.want == "" && (counts[0].Executions != 20_000 || counts[0].Accepted < 2000 || counts[0].Refused < 2000) {
			t.Errorf("counts %+v", counts[0])
		}
	}
}

// TestInputs: the same seed makes the same inputs; an Input is what its text says; seeds stay as they are.
func TestInputs(t *testing.T) {
	seeds := []Input{{{1, 2, 3, 4, 5, 6, 7, 8, 9}, {}}, {bytes.Repeat([]byte{7}, 100), {1}, {2, 3}}}
	before := fmt.Sprint(seeds)
	a, b := newMutator(3, seeds), newMutator(3, seeds)
	var text strings.Builder
	different := map[string]bool{}
	for range 10_000 {
		x, y := a.next().String(), b.next().String()
		if x != y {
			t.Fatalf("one seed made\n%s and\n%s", x, y)
		}
		different[x] = true
		fmt.Fprintln(&text, x)
	}
	if len(different) < 5000 || fmt.Sprint(seeds) != before {
		t.Errorf("%d different inputs; the seeds are %v", len(different), seeds)
	}
	back, err := Parse(text.String())
	if err != nil || len(back) != 10_000 {
		t.Fatal(len(back), err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n") {
		if back[i].String() != line {
			t.Fatalf("%q was read as %q", line, back[i])
		}
	}
	if _, err := Parse("00\nzz"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("error %v", err)
	}
}
