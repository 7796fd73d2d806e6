package replica

import (
	"sync"

	"dsss/class"
)

// An Object is one named instance on this replica.
type Object struct {
	ID    uint32
	Name  string
	Class *class.Class
	// Hosted: it is held by keeper and host alone.
	Hosted bool
	// State is a pointer to the class's Go type. It never changes; what it points to changes under the replica's
	// write side. nil of a hosted object, where it is not held.
	State any

	r *Replica

	// changed, when not nil, is closed after the object's next change. Waiters make it holding the read side and
	// wmu; the writer takes it holding the write side, which excludes them all.
	wmu     sync.Mutex
	changed chan struct{}
}

// RLock takes the replica's read side: no mutation of any object is applied until RUnlock. It must not be nested.
func (o *Object) RLock() { o.r.mu.RLock() }

// RUnlock gives the read side back.
func (o *Object) RUnlock() { o.r.mu.RUnlock() }

// ReadSide returns what RLock and RUnlock use, for handles that save the way to it on every read. Only its read side is
// the caller's.
func (o *Object) ReadSide() *sync.RWMutex { return &o.r.mu }

// Check evaluates ready on the read side. When it is false, the channel returned is closed after the next change of
// the object.
func (o *Object) Check(ready func() bool) (ok bool, changed <-chan struct{}) {
	o.r.mu.RLock()
	defer o.r.mu.RUnlock()
	if ready() {
		return true, nil
	}
	o.wmu.Lock()
	defer o.wmu.Unlock()
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	return false, o.changed
}
