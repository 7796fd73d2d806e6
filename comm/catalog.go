package comm

import (
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/comm/wire"
	"dsss/flat"
)

// The catalog is object 0: making an object is a mutation like any other, so all replicas agree on what exists and on
// the ids.
const (
	// CatalogID is the catalog's object id.
	CatalogID = 0
	// CreateID is the id of the catalog's mutator Create.
	CreateID = 1
	// ControlID is the id of the catalog's mutator Control, which changes no object: the coordinator orders it.
	ControlID = 2
)

// CoordinatorSession is the session in which every coordinator of a job orders its controls. No process has it.
const CoordinatorSession = ^uint64(0)

// CreateArgs encodes the arguments of Create: the object's name and the name of its class.
func CreateArgs(name, className string) []byte {
	return packed(&wire.StateObjectT{Name: name, Class: className})
}

// ControlArgs encodes the arguments of Control.
func ControlArgs(c *wire.ControlT) []byte { return packed(c) }

// ParseControl verifies untrusted arguments of Control and returns values of its own.
func ParseControl(args []byte) (*wire.ControlT, error) {
	v := flat.New(args)
	walk(v.Root(), controlShape)
	if err := v.Err(); err != nil {
		return nil, fmt.Errorf("%w: control: %w", ErrProtocol, err)
	}
	var c wire.Control
	root(&c, args)
	return c.UnPack(), nil
}

// ControlOf returns the control that a batch of the coordinator's session holds, nil when the batch is of another session.
func ControlOf(b Batch) (*wire.ControlT, error) {
	if b.Session != CoordinatorSession {
		return nil, nil
	}
	object, method, args, ok := b.Calls.Next()
	if !ok || object != CatalogID || method != ControlID {
		return nil, fmt.Errorf("%w: the coordinator's batch at sequence number %d holds no control", ErrProtocol, b.Sequence)
	}
	return ParseControl(args)
}

func packed(m Message) []byte {
	b := flatbuffers.NewBuilder(64)
	b.Finish(m.Pack(b))
	return b.FinishedBytes()
}
