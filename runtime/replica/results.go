package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/internal/stream"
)

// results is what hosted calls returned that may not have reached their callers: for each stream, the outcomes from the first
// that was not acknowledged on. Host and keeper hold the same, because calls, acknowledgements and the ends of sessions
// have places in the order; so it is in checkpoints, and the next host has it.
//
// It is the state of an object like any other, the only one of its class; ResultsName is its name. It is made with the
// first hosted object.
type results struct {
	streams map[uint64]*retained
}

// retained is one stream's. The sum of its bytes is at most limits.Retained: the oldest outcomes go first, and are lost then.
type retained struct {
	batches []returned // consecutive, oldest first
	bytes   int
}

// returned is what the calls of one batch returned.
type returned struct {
	request  uint64 // of the first
	sequence uint64
	count    uint32
	outcomes []byte // records, see comm.Outcomes; nil: lost
}

func (r returned) last() uint64 { return r.request + uint64(r.count) - 1 }

// ResultsName is the name of the object that holds the results of hosted calls.
const ResultsName = comm.ResultsName

// resultsClass is not among those that programs register: it is the same in all of them.
var resultsClass = func() *class.Class {
	c := &class.Class{
		Name:   ResultsName,
		New:    func() any { return &results{streams: map[uint64]*retained{}} },
		Save:   func(obj any, emit func([]byte) error) error { return obj.(*results).save(emit) },
		Load:   loadResults,
		Assign: func(dst, src any) { *dst.(*results) = *src.(*results) },
	}
	c.Add(&class.Method{
		ID:   comm.AcknowledgeID,
		Name: "Acknowledge",
		Apply: func(o class.Order, obj any, args []byte, to class.Future) {
			upto, err := comm.ParseAck(args)
			if err == nil {
				obj.(*results).acknowledge(stream.Of(o.Session, stream.Hosted), upto)
			}
			put(to, err)
		},
	})
	return c
}()

// lookup returns the class of that name, or nil.
func lookup(name string) *class.Class {
	if name == ResultsName {
		return resultsClass
	}
	return class.Lookup(name)
}

// retain keeps what a batch returned; outcomes is copied.
func (r *results) retain(id uint64, b returned) {
	s := r.streams[id]
	if s == nil {
		s = &retained{}
		r.streams[id] = s
	}
	b.outcomes = append(make([]byte, 0, len(b.outcomes)), b.outcomes...)
	s.batches = append(s.batches, b)
	s.bytes += len(b.outcomes)
	for i := 0; s.bytes > limits.Retained && i < len(s.batches); i++ {
		s.bytes -= len(s.batches[i].outcomes)
		s.batches[i].outcomes = nil
	}
}

// acknowledge forgets what has reached its caller: all up to a request.
func (r *results) acknowledge(id, upto uint64) {
	s := r.streams[id]
	if s == nil {
		return
	}
	n := 0
	for n < len(s.batches) && s.batches[n].last() <= upto {
		s.bytes -= len(s.batches[n].outcomes)
		n++
	}
	s.batches = slices.Delete(s.batches, 0, n)
	if len(s.batches) == 0 {
		delete(r.streams, id)
	}
}

// keep forgets the streams that have ended.
func (r *results) keep(sessions map[uint64]uint64) {
	maps.DeleteFunc(r.streams, func(id uint64, _ *retained) bool { _, lives := sessions[id]; return !lives })
}

// of yields what is retained of a stream, oldest first.
func (r *results) of(id uint64, yield func(frame []byte)) {
	s := r.streams[id]
	if s == nil {
		return
	}
	for _, b := range s.batches {
		frame := append(comm.BeginResult(nil), b.outcomes...)
		if b.outcomes == nil {
			for range b.count {
				frame = comm.AppendOutcome(frame, wire.OutcomeLost, nil)
			}
		}
		comm.FinishResult(frame, comm.Result{Stream: id, Request: b.request, Sequence: b.sequence, Count: b.count})
		yield(frame)
	}
}

// A chunk of the state is one batch: its stream, request, sequence number and count, as 8 bytes each, and its outcomes.
const returnedHead = 32

func (r *results) save(emit func([]byte) error) error {
	var chunk []byte
	for _, id := range slices.Sorted(maps.Keys(r.streams)) {
		for _, b := range r.streams[id].batches {
			chunk = chunk[:0]
			for _, n := range []uint64{id, b.request, b.sequence, uint64(b.count)} {
				chunk = binary.LittleEndian.AppendUint64(chunk, n)
			}
			if err := emit(append(chunk, b.outcomes...)); err != nil {
				return err
			}
		}
	}
	return nil
}

func loadResults(next func() ([]byte, error)) (any, error) {
	r := &results{streams: map[uint64]*retained{}}
	for {
		chunk, err := next()
		if err == io.EOF {
			return r, nil
		}
		if err != nil {
			return nil, err
		}
		if len(chunk) < returnedHead {
			return nil, errors.New("a result that is cut off")
		}
		n := func(i int) uint64 { return binary.LittleEndian.Uint64(chunk[8*i:]) }
		b := returned{request: n(1), sequence: n(2), count: uint32(n(3))}
		if outcomes := chunk[returnedHead:]; len(outcomes) > 0 {
			if _, err := comm.OutcomesIn(outcomes, b.count); err != nil {
				return nil, err
			}
			b.outcomes = outcomes
		}
		if s := r.streams[n(0)]; b.count == 0 || s != nil && s.batches[len(s.batches)-1].last() >= b.request {
			return nil, fmt.Errorf("results of request %d out of place", b.request)
		}
		r.retain(n(0), b)
	}
}
