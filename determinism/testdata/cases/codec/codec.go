package codec

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"dsss/class"

	"cases/nearby"
)

// T holds types with codecs of their own in every way.
//
//dsss:removed field=old func=fromOld
//dsss:removed field=other
type T struct {
	drift  drift
	bag    map[string]*Bag
	stable []stable
	far    [2]nearby.Coded // want `codec nearby\.Coded\.MarshalBinary is not deterministic: calls time\.Now at cases/nearby/nearby\.go:\d+: use`
	nested inner
	addr   netip.Addr
	when   time.Time
	self   *T
}

type inner struct{ deep deep }

//dsss:mutator
func (t *T) Set(p param) { t.when = p.when }

// fromOld makes something of a field that is gone.
func (t *T) fromOld(old int64) {
	t.when = time.Now() // want `migration \(\*T\)\.fromOld is not deterministic: calls time\.Now: use`
}

// drift writes the time at which it is written.
type drift struct{ n int64 }

func (d drift) MarshalBinary() ([]byte, error) {
	return time.Now().AppendBinary(nil) // want `codec drift\.MarshalBinary is not deterministic: calls time\.Now: use`
}

func (d *drift) UnmarshalBinary(b []byte) error { return nil }

// Bag writes its items in any order.
type Bag struct{ items map[string]bool }

func (b *Bag) MarshalBinary() (out []byte, err error) {
	for item := range b.items { // want `codec \(\*Bag\)\.MarshalBinary is not deterministic: ranges over a map and appends to out`
		out = append(out, item...)
	}
	return out, nil
}

func (b *Bag) UnmarshalBinary(data []byte) error {
	b.items = map[string]bool{string(data): stamp() > 0} // want `codec \(\*Bag\)\.UnmarshalBinary is not deterministic: calls time\.Now at codec\.go:\d+ through stamp`
	return nil
}

func stamp() int64 { return time.Now().Unix() }

// stable sorts them.
type stable struct{ items map[string]bool }

func (s stable) MarshalBinary() (out []byte, err error) {
	var items []string
	for item := range s.items {
		items = append(items, item)
	}
	slices.Sort(items)
	for _, item := range items {
		out = append(out, item...)
	}
	return out, nil
}

func (s *stable) UnmarshalBinary(data []byte) error {
	s.items = map[string]bool{string(data): true}
	return nil
}

type deep struct{ drift }

// param is an argument, and so is what it holds.
type param struct {
	when time.Time
	mark mark
}

type mark struct{}

func (m mark) MarshalBinary() ([]byte, error) {
	println("mark") // want `codec mark\.MarshalBinary is not deterministic: prints to standard error`
	return nil, nil
}

func (m *mark) UnmarshalBinary(b []byte) error { return nil }

// apart is held by no class.
type apart struct{}

func (a apart) MarshalBinary() ([]byte, error)  { return time.Now().AppendBinary(nil) }
func (a *apart) UnmarshalBinary(b []byte) error { return nil }

// promoted has only the methods of what it embeds, which say nothing about it; what it embeds is found.
type hand struct{ n int64 }

var registered = class.New("hand", class.StateCodec[hand]{
	Save: func(h *hand, emit func([]byte) error) error {
		h.n = time.Now().Unix() // want `codec Save of hand is not deterministic: calls time\.Now: use`
		return emit(nil)
	},
	Load: load,
})

func load(h *hand, next func() ([]byte, error)) error {
	h.n = stamp() // want `codec Load of hand is not deterministic: calls time\.Now at codec\.go:\d+ through stamp`
	return nil
}

var set = class.NewMutator(registered, 1, "Set", class.Codec[int64]{
	Append: func(dst []byte, n int64) []byte { return binary.LittleEndian.AppendUint64(dst, uint64(n)) },
	Read:   nearby.Decode, // want `codec Read of Set is not deterministic: calls time\.Now at cases/nearby/nearby\.go:\d+: use`
}, func(_ class.Order, h *hand, n int64) (int64, error) { h.n = n; return n, nil })
