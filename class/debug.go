package class

import (
	"errors"
	"fmt"
	"hash/maphash"
	"sync/atomic"

	"dsss/internal/limits"
)

// A mutator that returns an error must have changed nothing. Builds for debugging check this: they digest the state before
// a call, and again after one that failed. This is slow for a large state, so a number of calls in proportion to its size
// is then not checked.

var digestSeed = maphash.MakeSeed()

var errDigestTooLarge = errors.New("state too large to be checked")

// digest condenses the encoded state and says how large that is; ok is false for states over limits.DebugState.
func digest[T any](save func(*T, func([]byte) error) error, t *T) (sum uint64, size int, ok bool) {
	var h maphash.Hash
	h.SetSeed(digestSeed)
	err := save(t, func(chunk []byte) error {
		if size += len(chunk); size > limits.DebugState {
			return errDigestTooLarge
		}
		_, _ = h.Write(chunk) // never fails, see hash/maphash
		return nil
	})
	return h.Sum64(), size, err == nil
}

// A watch is the checking of one mutator's calls.
type watch struct{ pass atomic.Int64 } // calls to pass over

// applyChecked is apply, watched.
func applyChecked[T, A, R any](w *watch, save func(*T, func([]byte) error) error, name string, apply func(Order, *T, A) (R, error), o Order, t *T, a A) (R, error) {
	if w.pass.Add(-1) >= 0 {
		return apply(o, t, a)
	}
	before, size, small := digest(save, t)
	w.pass.Store(int64(size / limits.DebugBytes))
	r, err := apply(o, t, a)
	if err != nil && small {
		if after, _, ok := digest(save, t); !ok || after != before {
			panic(fmt.Sprintf("%s returned an error (%v) but changed the state", name, err))
		}
	}
	return r, err
}
