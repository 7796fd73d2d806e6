// Package replica applies the log to objects: it is the copy of the shared state that one process reads.
//
// A Replica has one writer, the goroutine that receives batches, and any number of readers. The writer holds the
// write side for one or a few batches at a time (Begin, Apply…, End), so that a reader never sees half a mutation nor
// two objects at different moments. Everything that a replica knows (objects, how far each session has come) is a fold
// over the log, and Save and Restore carry it across processes.
package replica

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"dsss/comm"
	"dsss/runtime/class"
)

var (
	// ErrMalformed: a call could not be read, or names an object or mutator that does not exist.
	ErrMalformed = errors.New("malformed call")
	// ErrClass: an object exists under that name with another class, or the class is not registered.
	ErrClass = errors.New("wrong class")
	// ErrOrder: a batch does not follow the last one applied.
	ErrOrder = errors.New("batch out of order")
)

// A Replica is one process's copy of all objects of a job.
type Replica struct {
	// mu is the replica's read side and write side. The writer takes it in Begin and gives it back in End; getters,
	// View, Await's conditions and Save hold it for reading.
	mu sync.RWMutex

	objects  []*Object          // by id; 0 is the catalog. Written under mu.
	byName   map[string]*Object // all but the catalog. Written under mu.
	sessions map[uint64]uint64  // last request applied of each session. Written under mu.
	applied  atomic.Uint64      // last sequence number applied. Written under mu.

	voids map[uint64]bool // sequence numbers to leave out; set before the first Apply

	// Only the writer uses these, between Begin and End.
	woken []chan struct{}
	at    place
}

// place is the call that the writer is in, kept for the report of a panic.
type place struct {
	seq    uint64
	object *Object
	method *class.Method
	args   []byte
}

// New returns an empty replica: no objects, nothing applied.
func New() *Replica {
	r := &Replica{byName: map[string]*Object{}, sessions: map[uint64]uint64{}, voids: map[uint64]bool{}}
	r.objects = []*Object{r.catalog()}
	return r
}

// Void makes the replica leave out these sequence numbers: mutations that panicked in an earlier run. It is called
// before the first Begin.
func (r *Replica) Void(seqs []uint64) {
	for _, seq := range seqs {
		r.voids[seq] = true
	}
}

// Applied returns the last sequence number applied; 0 before the first.
func (r *Replica) Applied() uint64 { return r.applied.Load() }

// Begin takes the write side. Only the replica's one writer calls Begin, Apply and End.
func (r *Replica) Begin() { r.mu.Lock() }

// End gives the write side back and wakes those who await a change of an object that changed.
func (r *Replica) End() {
	woken := r.woken
	r.woken = nil
	r.mu.Unlock()
	for _, w := range woken {
		close(w)
	}
}

// Apply runs the calls of the next batch. futures are those of its calls when this process is their origin, else nil;
// their results are put but not yet resolved, because nobody may wake before End.
//
// A batch that was applied already is skipped; one that leaves a gap is ErrOrder. A mutator that panics gives a
// *PanicError: the replica is then half changed and must never be read again.
func (r *Replica) Apply(b comm.Batch, futures []class.Future) (err error) {
	applied := r.applied.Load()
	last := b.Sequence + uint64(b.Count) - 1
	if last <= applied {
		return nil
	}
	if b.Sequence != applied+1 {
		return fmt.Errorf("%w: sequence number %d after %d", ErrOrder, b.Sequence, applied)
	}
	defer func() {
		if p := recover(); p != nil {
			err = r.panicked(p)
		}
	}()
	o := class.Order{Session: b.Session, Nanos: b.Nanos}
	calls := b.Calls
	for i := range int(b.Count) {
		var f class.Future
		if futures != nil {
			f = futures[i]
		}
		o.Seq = b.Sequence + uint64(i)
		r.call(o, &calls, f)
	}
	r.sessions[b.Session] = b.Request + uint64(b.Count) - 1
	r.applied.Store(last)
	return nil
}

// call runs the next call of a batch. Whatever is wrong with it is wrong on every replica alike, so it becomes the
// call's error and the order goes on.
func (r *Replica) call(o class.Order, calls *comm.Calls, f class.Future) {
	id, method, args, ok := calls.Next()
	if len(r.voids) > 0 && r.voids[o.Seq] {
		return
	}
	if !ok || int64(id) >= int64(len(r.objects)) {
		put(f, fmt.Errorf("%w at sequence number %d", ErrMalformed, o.Seq))
		return
	}
	object := r.objects[id]
	m := object.Class.Method(method)
	if m == nil {
		put(f, fmt.Errorf("%w at sequence number %d: %s has no mutator %d", ErrMalformed, o.Seq, object.Class.Name, method))
		return
	}
	r.at = place{o.Seq, object, m, args}
	m.Apply(o, object.State, args, f)
	if object.changed != nil {
		r.woken = append(r.woken, object.changed)
		object.changed = nil
	}
}

func put(f class.Future, err error) {
	if f != nil {
		f.Put(err)
	}
}

// Object returns the object of that name, or nil.
func (r *Replica) Object(name string) *Object {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byName[name]
}
