package class

import (
	"errors"
	"fmt"
)

// A RemoteError is what the mutator or getter of a hosted object returned as its error on the host. Only the text travels:
// errors.Is does not find the sentinel that the host's error was or wrapped, nor errors.As its type. A RemoteError is a
// string, so errors.Is(err, RemoteError("no room")) compares the text.
type RemoteError string

// Error returns the text of the host's error.
func (e RemoteError) Error() string { return string(e) }

// hasNone tells whether R is struct{}, which stands for no result.
func hasNone[R any]() bool {
	var r R
	_, none := any(r).(struct{})
	return none
}

var errNoText = errors.New("an error without a text")

// Returns says how results of m travel from the host of a hosted object to the caller; the codec's schema is not used. What
// results share with the state does not matter, as they are encoded before the next mutation. A mutator with a result whose
// class does not say it cannot be called on hosted objects. Returns returns m, and belongs to the same package-level
// variable.
func (m *Mutator[T, A, R]) Returns(results Codec[R]) *Mutator[T, A, R] {
	m.answer, m.result = results.encoder(), results.Read
	return m
}

// reply puts the outcome of a call into to.
func (m *Mutator[T, A, R]) reply(to *Reply, r R, err error) {
	if err == nil && m.answer == nil && !hasNone[R]() {
		err = m.unsaid()
	}
	answerTo(to, m.name, m.answer, r, err)
}

func (m *Mutator[T, A, R]) unsaid() error {
	return fmt.Errorf("%s: its class does not say how the result travels: call Returns", m.name)
}

// answerTo puts what was returned into to: the encoded result behind what Data has, or else the error, and Data as it was.
func answerTo[R any](to *Reply, name string, encode func([]byte, R) ([]byte, error), r R, err error) {
	if err == nil && !hasNone[R]() {
		var data []byte
		if data, err = encode(to.Data, r); err == nil {
			to.Data = data
			return
		}
		err = fmt.Errorf("%s: result: %w", name, err)
	}
	if err != nil && err.Error() == "" {
		err = errNoText // an empty text would travel as no error
	}
	to.Err = err
}

// decodeResult returns the result in data; read is nil when there is nothing to read.
func decodeResult[R any](name string, read func([]byte) (R, error), data []byte) (r R, err error) {
	switch {
	case read != nil:
		r, err = read(data)
	case len(data) > 0:
		err = fmt.Errorf("%d bytes where there is no result", len(data))
	}
	if err != nil {
		var zero R
		return zero, fmt.Errorf("%s: result: %w", name, err)
	}
	return r, nil
}

// A Receiving is the Receiver of one call of M on a hosted object, which puts the outcome into To. What the host says is untrusted:
// a malformed result is the call's error. The text of an error becomes a RemoteError. It is used by pointer, and may
// lie beside its outcome.
type Receiving[T, A, R any] struct {
	M  *Mutator[T, A, R]
	To *Outcome[R]
}

// Put sets the error; the result stays zero.
func (r *Receiving[T, A, R]) Put(err error) { r.To.Put(err) }

// Resolve makes the outcome visible.
func (r *Receiving[T, A, R]) Resolve(seq uint64) { r.To.Resolve(seq) }

// Fail resolves the outcome of a call that was not answered.
func (r *Receiving[T, A, R]) Fail(err error) { r.To.Fail(err) }

// Receive puts result or error into the outcome.
func (r *Receiving[T, A, R]) Receive(data []byte, failed string) {
	to := r.To
	switch {
	case failed != "":
		to.err = RemoteError(failed)
	case r.M.answer == nil && !hasNone[R]():
		to.err = r.M.unsaid()
	default:
		to.result, to.err = decodeResult(r.M.name, r.M.result, data)
	}
}
