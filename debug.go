package dsss

import (
	"errors"
	"fmt"
	"hash/maphash"

	"dsss/internal/limits"
)

// A mutator that returns an error must have changed nothing. Nothing can hold it to that cheaply, so builds for
// debugging do it dearly: they digest the state before every call, and again after one that failed.

var digestSeed = maphash.MakeSeed()

var errDigestTooLarge = errors.New("state too large to be checked")

// digest condenses the encoded state; ok is false for states over limits.DebugState, which are not checked.
func digest[T any](save func(*T, func([]byte) error) error, t *T) (sum uint64, ok bool) {
	var h maphash.Hash
	h.SetSeed(digestSeed)
	size := 0
	err := save(t, func(chunk []byte) error {
		if size += len(chunk); size > limits.DebugState {
			return errDigestTooLarge
		}
		_, _ = h.Write(chunk) // never fails, see hash/maphash
		return nil
	})
	return h.Sum64(), err == nil
}

// applyChecked is apply, watched.
func applyChecked[T, A, R any](save func(*T, func([]byte) error) error, name string, apply func(Order, *T, A) (R, error), o Order, t *T, a A) (R, error) {
	before, small := digest(save, t)
	r, err := apply(o, t, a)
	if err != nil && small {
		if after, ok := digest(save, t); !ok || after != before {
			panic(fmt.Sprintf("%s returned an error (%v) but changed the state", name, err))
		}
	}
	return r, err
}
