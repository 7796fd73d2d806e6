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

	"dsss/class"
	"dsss/comm"
	"dsss/internal/applying"
	"dsss/internal/limits"
	"dsss/internal/stream"
)

var (
	// ErrMalformed: a call could not be read, or names an object or mutator that does not exist.
	ErrMalformed = errors.New("malformed call")
	// ErrClass: an object exists under that name with another class, or the class is not registered.
	ErrClass = errors.New("wrong class")
	// ErrPlacement: an object exists under that name, replicated where it is to be hosted, or the other way round.
	ErrPlacement = errors.New("wrong placement")
	// ErrOrder: a batch does not follow the last one applied.
	ErrOrder = errors.New("batch out of order")
)

// A Replica is one process's copy of the objects of a job: of all of them in keeper and host, of the replicated ones in a worker.
type Replica struct {
	all bool // it holds all objects

	// mu is the replica's read side and write side. The writer takes it in Begin and gives it back in End; getters,
	// View, Await's conditions and Save hold it for reading.
	mu sync.RWMutex

	objects  []*Object          // by id; 0 is the catalog. Written under mu.
	byName   map[string]*Object // all but the catalog. Written under mu.
	sessions map[uint64]uint64  // last request applied of each session that has not ended. Written under mu.
	ended    map[int32]uint64   // for each rank, its newest incarnation that has ended. Written under mu.
	record   []byte             // the control of the newest Start. Written under mu.
	applied  atomic.Uint64      // last sequence number applied. Written under mu.
	nanos    int64              // the coordinator's clock when it was ordered. Written under mu.

	results  *results    // of hosted calls; nil while there is no hosted object, and where they are not held. Written under mu.
	outcomes outcomes    // the writer's
	hosting  atomic.Bool // there are hosted objects. Written under mu.
	onResult func(frame []byte)

	omitted map[uint64]bool // sequence numbers to leave out; set before the first Apply

	// shown is where others see what the writer is in; object and method are those that it names.
	shown  *applying.Slot
	object *Object
	method *class.Method
	// onExit is called when a mutator ends the writer's goroutine; see OnExit.
	onExit func(*PanicError)

	mark  uint64          // of the last Mark applied, until TakeMark; only the writer uses it
	woken []chan struct{} // of objects that changed; only the writer uses it, between Begin and End
}

// place is the call that the writer is in, kept for the report of a panic. It stays on the writer's stack.
type place struct {
	seq    uint64
	object *Object
	method *class.Method
	args   []byte
}

// New returns an empty replica: no objects, nothing applied. It shows in shown what it is applying; nil: nowhere. With all it holds
// hosted objects, too.
func New(shown *applying.Slot, all bool) *Replica {
	if shown == nil {
		shown = new(applying.Slot)
	}
	r := &Replica{all: all, byName: map[string]*Object{}, sessions: map[uint64]uint64{}, omitted: map[uint64]bool{}, shown: shown, onExit: func(*PanicError) {}}
	r.objects = []*Object{r.catalog()}
	return r
}

// OnExit has f called when a mutator calls runtime.Goexit, which ends the writer's goroutine: Apply never returns then,
// and f, called by that goroutine on its way out, is the last chance to say so. It is called before the first Begin.
func (r *Replica) OnExit(f func(*PanicError)) { r.onExit = f }

// Noted says that the job knows of the mutator that panicked, so that the process's end says nothing more about it.
func (r *Replica) Noted() { r.shown.Leave() }

// Omit makes the replica leave out these sequence numbers: mutations that panicked in an earlier run, or were skipped.
// It is called before the first Begin.
func (r *Replica) Omit(seqs []uint64) {
	for _, seq := range seqs {
		r.omitted[seq] = true
	}
}

// Applied returns the last sequence number applied; 0 before the first.
func (r *Replica) Applied() uint64 { return r.applied.Load() }

// Begin takes the write side. Only the replica's one writer calls Begin, Apply and End.
func (r *Replica) Begin() {
	if r.mu.TryLock() {
		return
	}
	r.shown.Wait(r.applied.Load() + 1)
	r.mu.Lock()
	r.shown.Leave()
}

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
	if err := r.follows(&b, applied); err != nil {
		return err
	}
	hosted := b.Domain() == stream.Hosted
	r.outcomes.from = 0
	var at place
	returned := false
	defer func() {
		if returned {
			return
		}
		if p := recover(); p != nil {
			err = at.panicked(p)
		} else {
			r.onExit(at.panicked("it called runtime.Goexit, which ends the goroutine that applies"))
		}
	}()
	o := class.Order{Session: stream.Session(b.Stream), Nanos: b.Nanos}
	calls, count := b.Calls, int(b.Count)
	if b.Stream == stream.Void {
		count = 0
	}
	for i := range count {
		var f class.Future
		switch {
		case hosted:
			if len(r.outcomes.buf) >= limits.ResultAim {
				r.returned(&b, uint32(i))
			}
			f = r.outcomes.begin()
		case futures != nil:
			f = futures[i]
		}
		o.Seq = b.Sequence + uint64(i)
		id, method, args, ok := calls.Next()
		if len(r.omitted) > 0 && r.omitted[o.Seq] {
			if hosted {
				put(f, errLeftOut)
				r.outcomes.end()
			}
			continue
		}
		at = place{seq: o.Seq, args: args}
		if !r.find(&at, id, method, ok && r.takes(id, hosted)) {
			// What is wrong with a call is wrong on every replica alike: it is the call's error, and the order goes on.
			put(f, fmt.Errorf("%w at sequence number %d", ErrMalformed, o.Seq))
			if hosted {
				r.outcomes.end()
			}
			continue
		}
		if at.object != r.object {
			r.object = at.object
			r.shown.Object(at.object.Name, at.object.Class.Name)
		}
		if at.method != r.method {
			r.method = at.method
			r.shown.Method(at.method.Name)
		}
		r.shown.Enter(o.Seq)
		at.method.Apply(o, at.object.State, args, f)
		r.shown.Leave()
		if hosted {
			r.outcomes.end()
		}
		if at.object.changed != nil {
			r.woken = append(r.woken, at.object.changed)
			at.object.changed = nil
		}
	}
	if hosted {
		r.returned(&b, uint32(count))
	}
	r.sessions[b.Stream] = b.Request + uint64(b.Count) - 1
	r.nanos = b.Nanos
	r.applied.Store(last)
	r.shown.Applied(last)
	returned = true
	return nil
}

// TakeMark returns the number of the Mark that was applied since the last call; 0 when none was. It is the writer's.
func (r *Replica) TakeMark() uint64 {
	m := r.mark
	r.mark = 0
	return m
}

// find looks up the object and mutator of a call.
func (r *Replica) find(at *place, id, method uint32, ok bool) bool {
	if !ok || int64(id) >= int64(len(r.objects)) {
		return false
	}
	at.object = r.objects[id]
	at.method = at.object.Class.Method(method)
	return at.method != nil
}

func put(f class.Future, err error) {
	if f != nil {
		f.Put(err)
	}
}

// takes tells whether a call of a domain may be one of that object.
func (r *Replica) takes(id uint32, hosted bool) bool {
	return int64(id) < int64(len(r.objects)) && r.objects[id].Hosted == hosted
}

// Object returns the object of that name, or nil.
func (r *Replica) Object(name string) *Object {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byName[name]
}
