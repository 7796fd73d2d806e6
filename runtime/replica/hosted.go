package replica

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/internal/stream"
)

// A full replica, of a keeper or host, holds all objects. Any other holds the replicated ones: of the hosted it knows name, class
// and id, and it is not given their calls, so that the sequence numbers that it sees have gaps.

// outcomes is where the writer puts what the calls of a hosted batch return.
type outcomes struct {
	buf  []byte      // the frame of a Result
	from uint32      // calls of the batch before those in buf
	call class.Reply // of the call that is being applied
}

// OnResult has f called for each hosted batch that is applied, with the sealed frame of a Result, or with several, that say what it
// returned: by the writer, within Begin and End. f does not keep the frame. It is called before the first Begin.
func (r *Replica) OnResult(f func(frame []byte)) { r.onResult = f }

// Results yields what is retained for a stream, oldest first, or of all with stream 0; on the read side. yield gets
// frames of Results, and does not keep them.
func (r *Replica) Results(id uint64, yield func(frame []byte)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.results == nil {
		return
	}
	if id != 0 {
		r.results.of(id, yield)
		return
	}
	for _, id := range slices.Sorted(maps.Keys(r.results.streams)) {
		r.results.of(id, yield)
	}
}

// HasHosted tells whether there are hosted objects.
func (r *Replica) HasHosted() bool { return r.hosting.Load() }

// Read calls a getter of a hosted object on the read side.
func (r *Replica) Read(object, query uint32, args []byte, to *class.Reply) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if int64(object) >= int64(len(r.objects)) || !r.objects[object].Hosted {
		to.Err = fmt.Errorf("%w: there is no hosted object %d", ErrMalformed, object)
		return
	}
	o := r.objects[object]
	q := o.Class.Query(query)
	if q == nil {
		to.Err = fmt.Errorf("%w: class %s has no getter %d", ErrMalformed, o.Class.Name, query)
		return
	}
	defer func() {
		if p := recover(); p != nil { // it only reads: nothing has changed
			to.Err = fmt.Errorf("getter %s of %s panicked: %v", q.Name, o.Name, p)
		}
	}()
	q.Read(o.State, args, to)
}

// Advance says that everything up to seq that this replica is to have has been applied.
func (r *Replica) Advance(seq uint64) {
	if r.all || seq <= r.applied.Load() {
		return
	}
	r.Begin()
	defer r.End()
	r.applied.Store(seq)
	r.shown.Applied(seq)
}

// follows tells what is wrong with a batch's place in the order; nil when it comes next.
func (r *Replica) follows(b *comm.Batch, applied uint64) error {
	gap := b.Sequence != applied+1
	switch {
	case r.all && gap, !r.all && b.Domain() != stream.Replicated, gap && b.Previous > applied, gap && b.Previous == 0 && !r.HasHosted():
		return fmt.Errorf("%w: sequence number %d, behind %d of its domain, after %d", ErrOrder, b.Sequence, b.Previous, applied)
	}
	return nil
}

// ErrorText is the text of an error as it travels from the host: at most limits.ErrorText bytes of whole characters.
func ErrorText(err error) string {
	text := err.Error()
	if len(text) > limits.ErrorText {
		text = strings.ToValidUTF8(text[:limits.ErrorText], "")
	}
	return text
}

// begin returns the future of a hosted batch's next call.
func (o *outcomes) begin() class.Future {
	if len(o.buf) == 0 {
		o.buf = comm.BeginResult(o.buf)
	}
	o.buf = comm.BeginOutcome(o.buf)
	o.call = class.Reply{Data: o.buf}
	return &o.call
}

// end takes what the call returned.
func (o *outcomes) end() {
	start, outcome := len(o.buf), wire.OutcomeDone
	o.buf = o.call.Data
	err := o.call.Err
	if err == nil && len(o.buf)-start > limits.Call {
		err = fmt.Errorf("it was applied, but its result has %d bytes, at most %d fit", len(o.buf)-start, limits.Call)
	}
	if err != nil {
		o.buf, outcome = append(o.buf[:start], ErrorText(err)...), wire.OutcomeFailed
	}
	o.buf = comm.EndOutcome(o.buf, start, outcome)
}

var errLeftOut = errors.New("left out: it panicked in an earlier run, or was skipped")

// returned takes what the calls of a hosted batch before the one at upto returned, as much as was not taken yet.
func (r *Replica) returned(b *comm.Batch, upto uint32) {
	o := &r.outcomes
	m := comm.Result{Stream: b.Stream, Request: b.Request + uint64(o.from), Sequence: b.Sequence + uint64(o.from), Count: upto - o.from}
	if m.Count > 0 && r.results != nil { // else there are no hosted objects, and all calls are malformed alike
		r.results.retain(b.Stream, returned{request: m.Request, sequence: m.Sequence, count: m.Count, outcomes: o.buf[comm.EmptyResult:]})
		if r.onResult != nil {
			comm.FinishResult(o.buf, m)
			r.onResult(o.buf)
		}
	}
	o.from = upto
	if o.buf = o.buf[:0]; cap(o.buf) > limits.LogBuffer {
		o.buf = nil
	}
}
