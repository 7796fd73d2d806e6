package sim

import (
	"errors"

	"dsss/runtime/session"
)

// compareFailure is compare for what a caller was told other than a result.
func (w *world) compareFailure(o *op, kept int, anywhere bool) {
	switch {
	case errors.Is(o.failed, session.ErrNotApplied) && anywhere:
		w.fail("mutation %d of %s was called not applied, and was ordered", o.id, o.of.name)
	case errors.Is(o.failed, session.ErrResultLost) && !anywhere:
		w.fail("mutation %d of %s was called applied, and nobody ordered it", o.id, o.of.name)
	case errors.Is(o.failed, session.ErrResultLost) && kept == 0 && w.gated():
		w.fail("mutation %d of %s was called applied, and is lost under durability sync", o.id, o.of.name)
	}
}
