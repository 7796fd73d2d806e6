package comm

import (
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/comm/wire"
	"dsss/flat"
	"dsss/internal/stream"
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
	// ResultsName is the name of the object that holds the results of hosted calls, and of its class.
	ResultsName = "dsss.results"
	// AcknowledgeID is the id of its mutator, by which a session says which results of hosted calls it has.
	AcknowledgeID = 1
)

// CreateArgs encodes the arguments of Create: the object's name, the name of its class, and whether it is hosted.
func CreateArgs(name, className string, hosted bool) []byte {
	return packed(&wire.StateObjectT{Name: name, Class: className, Hosted: hosted})
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

// AckArgs encodes the arguments of Acknowledge: the last request whose result has come.
func AckArgs(request uint64) []byte { return packed(&wire.AckT{Request: request}) }

// ParseAck verifies untrusted arguments of Acknowledge.
func ParseAck(args []byte) (request uint64, err error) {
	v := flat.New(args)
	walk(v.Root(), ackShape)
	if err := v.Err(); err != nil {
		return 0, fmt.Errorf("%w: ack: %w", ErrProtocol, err)
	}
	var a wire.Ack
	root(&a, args)
	return a.Request(), nil
}

// ControlOf returns the control that a batch of the coordinator's session holds, nil when the batch is of another session.
func ControlOf(b Batch) (*wire.ControlT, error) {
	if b.Stream != stream.Coordinator {
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
