package replica

import (
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/class"
)

// The catalog is object 0: making an object is a mutation like any other, so all replicas agree on what exists and on
// the ids.
const (
	// CatalogID is the catalog's object id.
	CatalogID = 0
	// CreateID is the id of the catalog's one mutator, Create.
	CreateID = 1
)

// CreateArgs encodes the arguments of Create: the object's name and the name of its class.
func CreateArgs(name, className string) []byte {
	b := flatbuffers.NewBuilder(64)
	b.Finish((&wire.StateObjectT{Name: name, Class: className}).Pack(b))
	return b.FinishedBytes()
}

func (r *Replica) catalog() *Object {
	c := &class.Class{Name: "dsss.catalog"}
	c.Add(&class.Method{
		ID:   CreateID,
		Name: "Create",
		Apply: func(o class.Order, _ any, args []byte, to class.Future) {
			want, err := comm.ParseStateObject(args)
			if err == nil {
				err = r.create(want.Name, want.Class)
			}
			put(to, err)
		},
		JSON: func(args []byte) string { return fmt.Sprintf("%q", args) },
	})
	return &Object{ID: CatalogID, Name: "catalog", Class: c, r: r}
}

// create makes the object unless it is there. The writer calls it.
func (r *Replica) create(name, className string) error {
	if o := r.byName[name]; o != nil {
		if o.Class.Name != className {
			return fmt.Errorf("%w: object %q is a %s, not a %s", ErrClass, name, o.Class.Name, className)
		}
		return nil
	}
	c := class.Lookup(className)
	if c == nil {
		return fmt.Errorf("%w: %s is not registered in this program", ErrClass, className)
	}
	r.add(uint32(len(r.objects)), name, c)
	return nil
}

func (r *Replica) add(id uint32, name string, c *class.Class) *Object {
	o := &Object{ID: id, Name: name, Class: c, State: c.New(), r: r}
	r.objects = append(r.objects, o)
	r.byName[name] = o
	return o
}
