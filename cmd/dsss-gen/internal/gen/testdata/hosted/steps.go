package hosted

import (
	"context"
	"net/netip"

	"dsss"
	"dsss/class"
)

// A Step is one call of a Depot: as a hosted object's, through the codecs, and of the struct itself.
type Step struct {
	About     string
	Far, Near func(d *Depot) (any, error)
}

// order is what the coordinator decided about all calls.
var order = class.Order{Seq: 3, Nanos: 5}

// call runs a mutator as a host does, and takes the outcome as its caller does.
func call[T, A, R any](t *T, m *class.Mutator[T, A, R], a A) (R, error) {
	var none R
	args, err := m.Append(nil, a)
	if err != nil {
		return none, err
	}
	var reply class.Reply
	m.Method().Apply(order, t, args, &reply)
	var outcome class.Outcome[R]
	to := &class.Receiving[T, A, R]{M: m, To: &outcome}
	to.Receive(reply.Data, text(reply.Err))
	to.Resolve(order.Seq)
	r, _, err := outcome.Get()
	return r, err
}

// ask asks a getter as a host and its caller do.
func ask[T, A, R any](t *T, g *class.Getter[T, A, R], a A) (R, error) {
	var none R
	args, err := g.Append(nil, a)
	if err != nil {
		return none, err
	}
	var reply class.Reply
	g.Query().Read(t, args, &reply)
	if reply.Err != nil {
		return none, class.RemoteError(reply.Err.Error())
	}
	return g.Decode(reply.Data)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// step makes a Step of one result.
func step[R any](about string, far, near func(d *Depot) (R, error)) Step {
	any := func(f func(d *Depot) (R, error)) func(d *Depot) (any, error) {
		return func(d *Depot) (any, error) { return f(d) }
	}
	return Step{about, any(far), any(near)}
}

// told makes a Step of a mutator.
func told[A, R any](about string, m *class.Mutator[Depot, A, R], a A, near func(d *Depot) (R, error)) Step {
	return step(about, func(d *Depot) (R, error) { return call(d, m, a) }, near)
}

// asked makes a Step of a getter.
func asked[A, R any](about string, g *class.Getter[Depot, A, R], a A, near func(d *Depot) (R, error)) Step {
	return step(about, func(d *Depot) (R, error) { return ask(d, g, a) }, near)
}

// plain is what has no error, and nothing what has no result.
func plain[R any](f func(d *Depot) R) func(d *Depot) (R, error) {
	return func(d *Depot) (R, error) { return f(d), nil }
}

func nothing(f func(d *Depot) error) func(d *Depot) (struct{}, error) {
	return func(d *Depot) (struct{}, error) { return struct{}{}, f(d) }
}

// Steps call every mutator and getter, in an order in which each has something to say.
func Steps() []Step {
	none, addr := struct{}{}, netip.MustParseAddr("fe80::1%eth0")
	stats := func(d *Depot) (depotStatsResult, error) {
		n, total, heaviest := d.Stats()
		return depotStatsResult{n, total, heaviest}, nil
	}
	find := func(s Search) Step {
		return asked("Find "+s.Prefix, depotFind, depotFindArgs{s}, func(d *Depot) (depotFindResult, error) {
			found, others, err := d.Find(s)
			return depotFindResult{found, others}, err
		})
	}
	put := func(name string, weight float64, tags ...string) Step {
		return told("Put "+name, depotPut, depotPutArgs{name, weight, tags}, nothing(func(d *Depot) error { d.Put(name, weight, tags...); return nil }))
	}
	drain := told("Drain", depotDrain, none, plain((*Depot).Drain))
	get := func(name string) Step {
		return asked("Get "+name, depotGet, depotGetArgs{name}, func(d *Depot) (Part, error) { return d.Get(name) })
	}
	take := func(name string) Step {
		return told("Take "+name, depotTake, depotTakeArgs{name}, func(d *Depot) (Part, error) { return d.Take(name) })
	}
	swap := func(about string, with map[string]Part) Step {
		return told("Swap for "+about, depotSwap, depotSwapArgs{with}, plain(func(d *Depot) map[string]Part { return d.Swap(with) }))
	}
	stamp := func(text string) Step {
		return told("Stamp "+text, depotStamp, depotStampArgs{text}, plain(func(d *Depot) *Label { return d.Stamp(dsss.Order(order), text) }))
	}
	anyOf := func(names ...string) Step {
		return asked("Any", depotAny, depotAnyArgs{names}, plain(func(d *Depot) bool { return d.Any(names...) }))
	}
	return []Step{
		drain, find(Search{}), get("bolt"), take("bolt"), anyOf(), asked("Stats", depotStats, none, stats),
		put("bolt", 1.5, "steel", "small"), put("board", 3), put("nut", 0.5, "steel"),
		get("bolt"), anyOf("nail", "nut"), anyOf("nail"), asked("Stats", depotStats, none, stats),
		find(Search{Prefix: "b"}), find(Search{AtMost: map[string]float64{"steel": 1, "x": 0}}), find(Search{Prefix: "z"}),
		told("Rename", depotRename, depotRenameArgs{"nut", "screw"}, nothing(func(d *Depot) error { return d.rename(dsss.Order(order), "nut", "screw") })),
		told("Rename", depotRename, depotRenameArgs{"nut", "screw"}, nothing(func(d *Depot) error { return d.rename(dsss.Order(order), "nut", "screw") })),
		take("bolt"), take("bolt"), asked("Len", depotLen, none, plain((*Depot).Len)),
		asked("Has", depotHas, depotHasArgs{"board", 7}, plain(func(d *Depot) bool { return d.Has("board", 7) })),
		stamp(""), stamp("now"),
		told("Tick", depotTick, depotTickArgs{4}, nothing(func(d *Depot) error { d.Tick(4); return nil })),
		told("Move", depotMove, depotMoveArgs{addr}, nothing(func(d *Depot) error { d.Move(addr); return nil })),
		asked("Check", depotCheck, none, nothing((*Depot).Check)),
		asked("Shelves", depotShelves, none, plain((*Depot).Shelves)), asked("Whole", depotWhole, none, plain((*Depot).Whole)),
		asked("From", depotFrom, none, plain((*Depot).From)), asked("Both", depotBoth, none, plain((*Depot).Both)),
		asked("Phase", depotPhase, none, plain((*Depot).Phase)), asked("Weights", depotWeights, none, plain((*Depot).Weights)),
		asked("Names", depotNames, none, plain((*Depot).Names)), asked("Started", depotStarted, none, plain((*Depot).Started)),
		asked("Ticks", depotTicks, none, plain((*Depot).Ticks)), asked("Title", depotTitle, none, plain((*Depot).Title)),
		swap("none", nil), swap("some", map[string]Part{"a": {Tags: []string{}}}), drain, drain,
		told("Tick", depotTick, depotTickArgs{-9}, nothing(func(d *Depot) error { d.Tick(-9); return nil })),
		asked("Check", depotCheck, none, nothing((*Depot).Check)),
	}
}

// Chain and Loop return what cannot be encoded: from a mutator, and from a getter.
func Chain(d *Depot) error { _, err := call(d, depotChain, struct{}{}); return err }

// Loop is the getter's.
func Loop(d *Depot) error { _, err := ask(d, depotLoop, struct{}{}); return err }

// PushPart calls the class that is an instance.
func PushPart(r *partRing, p Part) ([]Part, error) { return call(r, partRingPush, partRingPushArgs{p}) }

// PushInt calls the class that is not hosted, whose results do not travel.
func PushInt(r *intRing, n int) ([]int, error) { return call(r, intRingPush, intRingPushArgs{n}) }

// LastParts asks the class that is an instance.
func LastParts(r *partRing, n int) ([]Part, error) { return ask(r, partRingLast, partRingLastArgs{n}) }

// NewRings returns one of each.
func NewRings() (*partRing, *intRing) { return new(partRing), new(intRing) }

// TicksOf is what failed calls have changed.
func TicksOf(d *Depot) int64 { return d.ticks }

// The proxy has these methods.
var _ interface {
	Put(ctx context.Context, name string, weight float64, tags ...string) error
	PutAsync(ctx context.Context, name string, weight float64, tags ...string) *dsss.Future[struct{}]
	Take(ctx context.Context, name string) (Part, error)
	TakeAsync(ctx context.Context, name string) *dsss.Future[Part]
	Rename(ctx context.Context, from, to string) error
	Tick(ctx context.Context, n int64) error
	Len(ctx context.Context) (int, error)
	Get(ctx context.Context, name string) (Part, error)
	Stats(ctx context.Context) (int, float64, string, error)
	Find(ctx context.Context, s Search) ([]Part, bool, error)
	Check(ctx context.Context) error
	Any(ctx context.Context, names ...string) (bool, error)
	Name() string
	Object() *dsss.Hosted[Depot]
} = (*HostedDepot)(nil)

// Proxies are a shared and a hosted one.
func Proxies() (shared, hosted any) { return &SharedDepot{}, &HostedDepot{} }
