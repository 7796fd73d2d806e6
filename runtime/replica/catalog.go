package replica

import (
	"bytes"
	"fmt"

	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/order"
)

func (r *Replica) catalog() *Object {
	c := &class.Class{Name: "dsss.catalog"}
	c.Add(&class.Method{
		ID:   comm.CreateID,
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
	c.Add(&class.Method{
		ID:   comm.ControlID,
		Name: "Control",
		Apply: func(_ class.Order, _ any, args []byte, to class.Future) {
			control, err := comm.ParseControl(args)
			if err == nil {
				r.control(control, args)
			}
			put(to, err)
		},
	})
	return &Object{ID: comm.CatalogID, Name: "catalog", Class: c, r: r}
}

// control takes what the coordinator itself ordered. The writer calls it.
func (r *Replica) control(c *wire.ControlT, args []byte) {
	order.Fold(c, r.sessions, &r.ended)
	switch c.Kind {
	case wire.ControlKindMark:
		r.mark = c.Id
	case wire.ControlKindStart:
		r.record = bytes.Clone(args)
	}
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
