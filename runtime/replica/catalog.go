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
				err = r.create(want.Name, want.Class, want.Hosted)
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
	if r.results != nil {
		r.results.keep(r.sessions)
	}
	switch c.Kind {
	case wire.ControlKindMark:
		r.mark = c.Id
	case wire.ControlKindStart:
		r.record = bytes.Clone(args)
	}
}

// create makes the object unless it is there, and before the first hosted one the results. The writer calls it.
func (r *Replica) create(name, className string, hosted bool) error {
	if o := r.byName[name]; o != nil {
		switch {
		case o.Class.Name != className:
			return fmt.Errorf("%w: object %q is a %s, not a %s", ErrClass, name, o.Class.Name, className)
		case o.Hosted != hosted:
			return fmt.Errorf("%w: object %q is %s, not %s", ErrPlacement, name, placement(o.Hosted), placement(hosted))
		}
		return nil
	}
	c := class.Lookup(className)
	if c == nil {
		return fmt.Errorf("%w: %s is not registered in this program", ErrClass, className)
	}
	if hosted && !r.hosting.Load() {
		if r.byName[ResultsName] != nil {
			return fmt.Errorf("%w: an object is named %s, which hosted objects need: give it another name", ErrClass, ResultsName)
		}
		r.add(&Object{Name: ResultsName, Class: resultsClass, Hosted: true})
	}
	r.add(&Object{Name: name, Class: c, Hosted: hosted})
	return nil
}

// placement is what people are told of where an object is.
func placement(hosted bool) string {
	if hosted {
		return "hosted"
	}
	return "replicated"
}

// add adds an object, with its zero state where it is held.
func (r *Replica) add(o *Object) {
	o.ID, o.r = uint32(len(r.objects)), r
	if r.all || !o.Hosted {
		o.State = o.Class.New()
	}
	if o.Hosted {
		r.hosting.Store(true)
	}
	if results, is := o.State.(*results); is {
		r.results = results
	}
	r.objects = append(r.objects, o)
	r.byName[o.Name] = o
}
