package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"

	"dsss/class"
	"dsss/internal/limits"
)

// A Sink takes a state apart: first where in the order it is, then the objects in order of their ids, each followed by
// its pieces. Pieces are not kept.
type Sink interface {
	Begin(end ItemEnd) error
	Object(o *Object) error
	Piece(data []byte) error
}

// An Item is one step of a state on its way into a replica: exactly one of its parts is set.
type Item struct {
	Object *ItemObject
	Piece  []byte // valid until the next item
	End    *ItemEnd
}

// ItemObject begins an object.
type ItemObject struct {
	ID          uint32
	Name, Class string
	Hosted      bool
}

// ItemEnd ends the state: it is that after Sequence, which was ordered at Nanos of the coordinator's clock, and of each
// session it holds everything up to that request.
type ItemEnd struct {
	Sequence uint64
	Nanos    int64
	Sessions map[uint64]uint64
	Ended    map[int32]uint64 // for each rank, its newest incarnation that has ended
	Record   []byte           // the control of the newest Start, as comm.ControlArgs packs it; empty before the first
}

// Save writes the state to sink, holding the read side: of hosted objects that are not held, no pieces. Equal states give equal pieces.
func (r *Replica) Save(sink Sink) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if err := sink.Begin(r.positionLocked()); err != nil {
		return err
	}
	w := &pieceWriter{sink: sink, buf: make([]byte, 0, limits.Piece)}
	for _, o := range r.objects[1:] {
		if err := sink.Object(o); err != nil {
			return err
		}
		if o.State == nil {
			continue
		}
		if err := o.save(w.chunk); err != nil {
			return fmt.Errorf("encoding the state of %s: %w", o.Name, err)
		}
		if err := w.flush(); err != nil {
			return err
		}
	}
	return nil
}

// Position returns how far the replica and each session in it have come.
func (r *Replica) Position() ItemEnd {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.positionLocked()
}

func (r *Replica) positionLocked() ItemEnd {
	return ItemEnd{Sequence: r.applied.Load(), Nanos: r.nanos, Sessions: maps.Clone(r.sessions), Ended: maps.Clone(r.ended), Record: r.record}
}

// save is the class's Save, with a panic as an error: a state that cannot be encoded costs a checkpoint and not the keeper.
func (o *Object) save(emit func(chunk []byte) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return o.Class.Save(o.State, emit)
}

// pieceWriter turns a class's chunks, of any size, into pieces of limits.Piece: the chunks of an object, each behind
// its length (u32), cut again.
type pieceWriter struct {
	sink Sink
	buf  []byte
}

func (w *pieceWriter) chunk(chunk []byte) error {
	if len(chunk) > limits.Chunk {
		return fmt.Errorf("a chunk of %d bytes, at most %d fit; split it", len(chunk), limits.Chunk)
	}
	var length [4]byte
	binary.LittleEndian.PutUint32(length[:], uint32(len(chunk)))
	if err := w.write(length[:]); err != nil {
		return err
	}
	return w.write(chunk)
}

func (w *pieceWriter) write(p []byte) error {
	for len(p) > 0 {
		n := min(len(p), limits.Piece-len(w.buf))
		w.buf = append(w.buf, p[:n]...)
		p = p[n:]
		if len(w.buf) == limits.Piece {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *pieceWriter) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	err := w.sink.Piece(w.buf)
	w.buf = w.buf[:0]
	return err
}

// ErrState: a state on its way into the replica is malformed, or belongs to another program.
var ErrState = errors.New("unusable state")

// Restore fills an empty replica from next, which returns the items of a state in order. On an error the replica is
// unusable.
func (r *Replica) Restore(next func() (Item, error)) error {
	if r.applied.Load() != 0 || len(r.objects) > 1 {
		return fmt.Errorf("%w: the replica is not empty", ErrState)
	}
	_, err := r.Catch(next)
	return err
}

// Catch brings a replica forward to the later state that next returns the items of, in one step: readers see what was
// before or what comes after, and handles of objects stay good. It is the writer's, outside Begin and End. On an error
// nothing has changed: ErrState when something is wrong with the state, else what next failed with.
func (r *Replica) Catch(next func() (Item, error)) (ItemEnd, error) {
	src := &itemReader{next: next}
	var loaded []loadedObject
	for {
		item, err := src.take()
		switch {
		case err != nil:
			return ItemEnd{}, err
		case item.Object != nil:
			o, err := r.load(item.Object, len(loaded)+1, src)
			if err != nil {
				return ItemEnd{}, err
			}
			loaded = append(loaded, o)
		case item.End != nil:
			return *item.End, r.assign(loaded, item.End)
		default:
			return ItemEnd{}, fmt.Errorf("%w: a piece that belongs to no object", ErrState)
		}
	}
}

// assign puts loaded states in place.
func (r *Replica) assign(loaded []loadedObject, end *ItemEnd) error {
	names := map[string]bool{}
	for _, l := range loaded {
		names[l.want.Name] = true
	}
	switch {
	case len(names) != len(loaded):
		return fmt.Errorf("%w: two objects of one name", ErrState)
	case len(loaded) < len(r.objects)-1 || end.Sequence < r.applied.Load():
		return fmt.Errorf("%w: it is older than the replica", ErrState)
	}
	r.Begin()
	defer r.End()
	for _, l := range loaded {
		if int(l.want.ID) == len(r.objects) {
			r.add(&Object{Name: l.want.Name, Class: l.class, Hosted: l.want.Hosted})
		}
		o := r.objects[l.want.ID]
		if o.State == nil {
			continue
		}
		l.class.Assign(o.State, l.state)
		if o.changed != nil {
			r.woken = append(r.woken, o.changed)
			o.changed = nil
		}
	}
	clear(r.sessions)
	maps.Copy(r.sessions, end.Sessions)
	r.ended, r.record = maps.Clone(end.Ended), end.Record
	r.nanos = end.Nanos
	r.applied.Store(end.Sequence)
	r.shown.Applied(end.Sequence)
	return nil
}

// A loadedObject is an object's state that is not in place yet.
type loadedObject struct {
	want  *ItemObject
	class *class.Class
	state any
}

// load reads the state of the object that must have that id. Only the writer changes r.objects, and it is the caller.
func (r *Replica) load(want *ItemObject, id int, src *itemReader) (loadedObject, error) {
	c := lookup(want.Class)
	switch {
	case int64(want.ID) != int64(id):
		return loadedObject{}, fmt.Errorf("%w: object %q with id %d out of place", ErrState, want.Name, want.ID)
	case c == nil:
		return loadedObject{}, fmt.Errorf("%w: object %q is a %s, a class that this program does not have", ErrState, want.Name, want.Class)
	case id < len(r.objects) && (r.objects[id].Name != want.Name || r.objects[id].Class != c || r.objects[id].Hosted != want.Hosted):
		return loadedObject{}, fmt.Errorf("%w: object %d is %q, a %s, in the state and %q, a %s, in the replica", ErrState, id, want.Name, want.Class, r.objects[id].Name, r.objects[id].Class.Name)
	case id >= len(r.objects) && r.byName[want.Name] != nil:
		return loadedObject{}, fmt.Errorf("%w: object %q with id %d out of place", ErrState, want.Name, want.ID)
	}
	if want.Hosted && !r.all {
		return loadedObject{want, c, nil}, nil // and it has no pieces
	}
	chunks := chunkReader{src: src}
	state, err := c.Load(chunks.next)
	if src.broken != nil {
		return loadedObject{}, src.broken // nothing is wrong with the state but that it did not come
	}
	if err != nil {
		return loadedObject{}, fmt.Errorf("%w: object %q: %w", ErrState, want.Name, err)
	}
	if _, err := chunks.next(); src.broken != nil {
		return loadedObject{}, src.broken
	} else if err != io.EOF {
		return loadedObject{}, fmt.Errorf("%w: object %q: more than its class reads", ErrState, want.Name)
	}
	return loadedObject{want, c, state}, nil
}

// itemReader lets an object's reader stop before the item that begins the next one. A source that fails does not look
// like an object's end to it.
type itemReader struct {
	next   func() (Item, error)
	held   *Item
	broken error // of next, once it has failed
}

func (s *itemReader) take() (Item, error) {
	if s.held != nil {
		item := *s.held
		s.held = nil
		return item, nil
	}
	if s.broken != nil {
		return Item{}, s.broken
	}
	item, err := s.next()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // a state ends with its End
	}
	s.broken = err
	return item, err
}

// chunkReader puts the chunks of one object together again from its pieces.
type chunkReader struct {
	src   *itemReader
	piece []byte
	chunk []byte
}

func (c *chunkReader) next() ([]byte, error) {
	var length [4]byte
	if n, err := c.fill(length[:]); err != nil {
		if n == 0 && err == io.EOF {
			return nil, io.EOF
		}
		return nil, truncated(err)
	}
	left := int(binary.LittleEndian.Uint32(length[:]))
	if left > limits.Chunk {
		return nil, fmt.Errorf("%w: a chunk of %d bytes, at most %d fit", ErrState, left, limits.Chunk)
	}
	c.chunk = c.chunk[:0]
	for left > 0 {
		if err := c.more(); err != nil {
			return nil, truncated(err)
		}
		n := min(left, len(c.piece))
		c.chunk = append(c.chunk, c.piece[:n]...) // grows with what arrives, not with what was claimed
		c.piece, left = c.piece[n:], left-n
	}
	return c.chunk, nil
}

func truncated(err error) error {
	if err == io.EOF {
		return fmt.Errorf("%w: ends inside a chunk", ErrState)
	}
	return err
}

func (c *chunkReader) fill(p []byte) (n int, err error) {
	for n < len(p) {
		if err := c.more(); err != nil {
			return n, err
		}
		k := copy(p[n:], c.piece)
		c.piece, n = c.piece[k:], n+k
	}
	return n, nil
}

// more makes sure that piece is not empty; io.EOF at the object's end.
func (c *chunkReader) more() error {
	for len(c.piece) == 0 {
		item, err := c.src.take()
		if err != nil {
			return err
		}
		if item.Piece == nil {
			c.src.held = &item
			return io.EOF
		}
		c.piece = item.Piece
	}
	return nil
}
