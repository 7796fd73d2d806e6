package dsss

import (
	"errors"
	"fmt"

	"dsss/flat"
	"dsss/runtime/session"
)

// The sentinels that errors of this package wrap; ask with errors.Is.
var (
	// ErrClosed: the job was left by Close, or has ended.
	ErrClosed = session.ErrClosed
	// ErrUnconfirmed: the mutation was sent, and whether it was or will be applied is not known here.
	ErrUnconfirmed = session.ErrUnconfirmed
	// ErrNotApplied: the mutation was not sent and will never be applied.
	ErrNotApplied = session.ErrNotApplied
	// ErrResultLost: the mutation was applied once, but its result is not known: this process's replica had fallen behind and was
	// caught up from a checkpoint that holds it already, or the host of a hosted object did not keep the result for so long.
	ErrResultLost = session.ErrResultLost
	// ErrTooLarge: the arguments exceed the largest batch.
	ErrTooLarge = session.ErrTooLarge
	// ErrEncode: the arguments cannot be encoded, because they refer to themselves, their MarshalBinary fails or they are
	// too large; the text names the argument, and the mutation was not sent.
	ErrEncode = flat.ErrEncode
	// ErrRefused: the coordinator refused this process; the text says why (another build, another job, no such rank).
	ErrRefused = session.ErrRefused
	// ErrEvicted: the job goes on without this process: its replica fell too far behind, or holds what the job does not, or the order
	// has lost what it was answered. The text says which.
	ErrEvicted = session.ErrEvicted
	// ErrStopped: the job is being stopped; the text says why.
	ErrStopped = session.ErrStopped
	// ErrClass: an object exists under that name with another class.
	ErrClass = session.ErrClass
	// ErrPlacement: an object exists under that name, replicated where it is to be hosted, or the other way round.
	ErrPlacement = session.ErrPlacement
	// ErrRoleEnded: this process was not a worker but the keeper or the host, and is no longer needed; only with
	// Config.ReturnRoles. The Error's Cause is nil when the job ended well.
	ErrRoleEnded = errors.New("the role of this process has ended")
	// ErrConfig: a field of Config, or a variable set by the launcher, has a value that cannot be; the text names it.
	ErrConfig = errors.New("invalid configuration")
)

// An Error says which operation on which object failed. What a mutator itself returned is returned as it is, of a hosted
// object as a class.RemoteError.
type Error struct {
	// Op is the mutator or method, such as "Add" or "Join".
	Op string
	// Object is the object's name; empty when the operation is not about one.
	Object string
	// Err is or wraps one of the sentinels.
	Err error
	// Cause is what led to Err from outside, such as context.Canceled; may be nil.
	Cause error
}

// Error renders one line: operation, object, reason, cause.
func (e *Error) Error() string {
	where := e.Op
	if e.Object != "" {
		where += " of " + e.Object
	}
	if e.Cause != nil {
		return fmt.Sprintf("dsss: %s: %v: %v", where, e.Err, e.Cause)
	}
	return fmt.Sprintf("dsss: %s: %v", where, e.Err)
}

// Unwrap lets errors.Is and errors.As see both the sentinel and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Cause}
}

// asError wraps what a lower layer returned once, here at the surface.
func asError(op, object string, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Op: op, Object: object, Err: err}
}
