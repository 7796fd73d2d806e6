package comm

import (
	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/comm/wire"
)

// The catalog is object 0: making an object is a mutation like any other, so all replicas agree on what exists and on
// the ids.
const (
	// CatalogID is the catalog's object id.
	CatalogID = 0
	// CreateID is the id of the catalog's mutator Create.
	CreateID = 1
	// MarkID is the id of the catalog's mutator Mark, which changes nothing: the coordinator orders it to name a place
	// in the order.
	MarkID = 2
)

// CreateArgs encodes the arguments of Create: the object's name and the name of its class.
func CreateArgs(name, className string) []byte {
	return packed(&wire.StateObjectT{Name: name, Class: className})
}

// MarkArgs encodes the arguments of Mark: its number.
func MarkArgs(id uint64) []byte { return packed(&wire.SyncT{Id: id}) }

func packed(m Message) []byte {
	b := flatbuffers.NewBuilder(64)
	b.Finish(m.Pack(b))
	return b.FinishedBytes()
}
