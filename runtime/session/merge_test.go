package session

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"dsss/class"
	"dsss/internal/limits"
)

var errHeavy = errors.New("too heavy")

// sum is a call that merges, and cannot be encoded from 100 on; 1000 is larger than a call may be.
type sum struct{ n int }

func (s *sum) Absorb(later any) bool { s.n += later.(*sum).n; return true }

func (s *sum) Commutes() bool { return false }

func (s *sum) Append(dst []byte) ([]byte, error) {
	switch {
	case s.n >= 1000:
		return append(dst, make([]byte, limits.Call)...), nil
	case s.n >= 100:
		return append(dst, "half"...), errHeavy
	}
	return append(dst, byte(s.n)), nil
}

// outcome is a future that only fails.
type outcome struct{ err error }

func (o *outcome) Put(error)      {}
func (o *outcome) Resolve(uint64) {}
func (o *outcome) Fail(err error) { o.err = err }

// TestMergeContextEnded: a call whose context has ended is not taken, and does not merge with one that waits.
func TestMergeContextEnded(t *testing.T) {
	s := New(Config{}, 1)
	waits := &sum{1}
	if err := s.Merge(t.Context(), 1, 2, waits, nil, false); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Merge(ended, 1, 2, &sum{2}, nil, false); !errors.Is(err, ErrNotApplied) || !errors.Is(err, context.Canceled) || waits.n != 1 {
		t.Errorf("%v, and %d waits", err, waits.n)
	}
}

// TestMergeNotEncoded: a call that makes the one that waits for it such that it cannot be encoded is not taken, and what
// waits travels as it was; so is one that cannot be encoded by itself.
func TestMergeNotEncoded(t *testing.T) {
	s := New(Config{}, 1)
	merge := func(n int, f class.Future) error {
		return s.Merge(t.Context(), 1, 2, &sum{n}, f, false)
	}
	calls := func() []byte {
		b := s.out.queue[len(s.out.queue)-1]
		var got []byte
		for _, p := range b.pending {
			got = append(got, b.frame[p.start+16])
		}
		return got
	}
	first := &outcome{}
	for _, c := range []struct {
		n       int
		want    error
		waiting []byte // the arguments that may merge
		calls   int    // in the batch
	}{
		{1, nil, []byte{1}, 1},
		{2, nil, []byte{3}, 1},
		{500, errHeavy, nil, 1},
		{4, nil, []byte{4}, 2},
		{5, nil, []byte{9}, 2},
		{2000, ErrTooLarge, nil, 2},
		{2000, ErrTooLarge, nil, 2}, // by itself: nothing waits that it could merge into
		{500, errHeavy, nil, 2},
		{6, nil, []byte{6}, 3},
	} {
		bytesBefore, b := s.out.streams[0].bytes, (*outBatch)(nil)
		var before []byte
		if len(s.out.queue) > 0 {
			b = s.out.queue[0]
			before = slices.Clone(b.frame)
		}
		if err := merge(c.n, first); !errors.Is(err, c.want) {
			t.Fatalf("%d: error %v, want %v", c.n, err, c.want)
		}
		if c.want != nil && (!bytes.Equal(b.frame, before) || s.out.streams[0].bytes != bytesBefore) {
			t.Errorf("%d was refused and changed the batch", c.n)
		}
		if got := calls(); !bytes.Equal(got, c.waiting) || len(s.out.queue[0].futures) != c.calls {
			t.Errorf("after %d: %v wait in a batch of %d calls, want %v of %d", c.n, got, len(s.out.queue[0].futures), c.waiting, c.calls)
		}
	}
	if first.err != nil {
		t.Errorf("a future failed, which is its caller's: %v", first.err)
	}
}
