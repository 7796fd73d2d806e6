package sim

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"dsss/class"
)

// The program's class of replicated objects: a chain, in which each link depends on all before it, so that two replicas that hold the same
// number have applied the same mutations in the same order.
const (
	className  = "sim.Chain"
	objectName = "chain"
	addID      = 1
	blowID     = 2
	mergeID    = 3
)

type chain struct {
	count uint64
	hash  uint64
}

// next is the chain behind h once what has been added at seq.
func (c chain) next(o class.Order, what uint64) chain {
	h := c.hash
	for _, v := range [...]uint64{o.Seq, o.Session, uint64(o.Nanos), what} {
		h = (h ^ v) * 0x9e3779b97f4a7c15
		h ^= h >> 32
	}
	return chain{c.count + 1, h}
}

var registerClass = sync.OnceFunc(func() {
	c := chainClass(className)
	c.Add(&class.Method{ID: addID, Name: "Add", Apply: func(o class.Order, obj any, args []byte, to class.Future) {
		c := obj.(*chain)
		*c = c.next(o, binary.LittleEndian.Uint64(args))
		if op, ok := to.(*op); ok {
			op.result = c.hash
			op.Put(nil)
		}
	}})
	c.Add(&class.Method{ID: mergeID, Name: "Merge", Apply: func(o class.Order, obj any, args []byte, to class.Future) {
		c := obj.(*chain)
		for _, id := range idsOf(args) {
			*c = c.next(o, id)
		}
		if to != nil {
			to.Put(nil)
		}
	}})
	c.Add(blow)
	class.Register(c)
	registerWindow()
})

var blow = &class.Method{ID: blowID, Name: "Blow", Apply: func(class.Order, any, []byte, class.Future) { panic("blown") }}

// chainClass is a class of chains, without methods.
func chainClass(name string) *class.Class {
	return &class.Class{
		Name: name,
		New:  func() any { return &chain{} },
		Save: func(obj any, emit func([]byte) error) error {
			c := obj.(*chain)
			for _, v := range [...]uint64{c.count, c.hash} { // two chunks, so that a state is more than one piece
				if err := emit(binary.LittleEndian.AppendUint64(nil, v)); err != nil {
					return err
				}
			}
			return nil
		},
		Load: func(next func() ([]byte, error)) (any, error) {
			var v [2]uint64
			for i := range v {
				b, err := next()
				switch {
				case err == io.EOF || err == nil && len(b) != 8:
					return nil, errors.New("a chain is two numbers")
				case err != nil:
					return nil, err
				}
				v[i] = binary.LittleEndian.Uint64(b)
			}
			return &chain{v[0], v[1]}, nil
		},
		Assign: func(dst, src any) { *dst.(*chain) = *src.(*chain) },
	}
}

// idsOf reads the arguments of a call that adds.
func idsOf(args []byte) (ids []uint64) {
	for ; len(args) >= 8; args = args[8:] {
		ids = append(ids, binary.LittleEndian.Uint64(args))
	}
	return ids
}

// chainOf reads what Save wrote, as it stands in a checkpoint: each chunk behind its length.
func chainOf(b []byte) chain {
	return chain{binary.LittleEndian.Uint64(b[4:]), binary.LittleEndian.Uint64(b[16:])}
}
