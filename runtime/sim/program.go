package sim

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"

	"dsss/comm"
	"dsss/internal/limits"
	"dsss/internal/stream"
	"dsss/runtime/session"
)

// habits are what the program of a seed does beside mutating, and the bounds of its sessions.
type habits struct {
	merge                     float64 // how often a mutation is one that may merge
	commutes                  bool    // and past others
	sync, flush, await, leave float64 // how often it does so when it has mutated
	hosted                    float64 // how often a mutation is one of the hosted object; 0: there is none
	query                     float64 // how often it asks the host when it has mutated
	bounds                    limits.Bounds
}

func drawHabits(r *rand.Rand) habits {
	often := func(most float64) float64 { return most * r.Float64() * float64(r.IntN(2)) }
	h := habits{hosted: often(1), query: often(0.5), merge: often(1), commutes: r.IntN(2) == 0, sync: often(0.3), flush: often(0.3), await: often(0.3), leave: often(0.03), bounds: limits.Default()}
	if r.IntN(3) > 0 {
		b := &h.bounds
		b.Window, b.WindowBytes, b.BatchAim = 1+r.IntN(12), 1<<(6+r.IntN(6)), comm.EmptyBatch+1<<r.IntN(9)
		b.TailAck, b.ApplyHold, b.Armed = 1<<(7+r.IntN(6)), 1<<r.IntN(11), 1+r.IntN(4)
		b.Mergeable, b.Spare, b.Posts = 1+r.IntN(4), r.IntN(3), 1+r.IntN(3)
		b.AckCalls = b.Window
	}
	if r.IntN(3) > 0 {
		b := &h.bounds
		b.LogOver, b.LogEntries, b.WriteGather, b.WriteEntries = 1<<(10+r.IntN(7)), 8+r.IntN(200), 1<<(7+r.IntN(8)), 1+r.IntN(40)
		b.Outbox, b.Rivals, b.Reread = 12+r.IntN(60), 1+r.IntN(3), 1<<r.IntN(8)
	}
	return h
}

// An op is a mutation from its caller's side.
type op struct {
	of             *worker
	id             uint64 // 0: makes the object
	object, method uint32
	args           []byte
	tally          *tally // what it waits as while it may merge; nil: it cannot
	hosted         bool
	window         chain  // what a hosted call returned
	declined       string // the error of one
	put            error
	result         uint64
	seq            uint64
	settled        bool
	failed         error
	where          *node // once it has its result
}

func (o *op) Put(err error) { o.put = err }

func (o *op) Resolve(seq uint64) {
	o.settle()
	o.seq = seq
	o.of.told = append(o.of.told, o)
}

func (o *op) Fail(err error) {
	o.settle()
	o.failed = err
	switch {
	case o.hosted && errors.Is(err, session.ErrResultLost):
		o.of.w.fail("%s is told of a hosted call: %v", o.of.name, err) // far less is retained than may be
	case errors.Is(err, session.ErrNotApplied):
		o.of.w.count("told not applied")
	case errors.Is(err, session.ErrResultLost):
		o.of.w.count("told result lost")
	case errors.Is(err, session.ErrUnconfirmed):
		o.of.w.count("told unconfirmed")
	default:
		o.of.w.fail("%s is told of a mutation: %v", o.of.name, err)
	}
}

func (o *op) settle() {
	if o.settled {
		o.of.w.fail("%s gets a second result of one mutation", o.of.name)
	}
	o.settled = true
	o.of.flying--
}

// A tally is a call that adds several ids, one behind the other.
type tally struct {
	w   *world
	ids []uint64
}

func (t *tally) Absorb(later any) bool {
	l := later.(*tally)
	if len(t.ids)+len(l.ids) > 5 {
		return false
	}
	t.ids = append(t.ids, l.ids...)
	t.w.count("merged")
	return true
}

func (t *tally) Append(dst []byte) ([]byte, error) {
	for _, id := range t.ids {
		dst = binary.LittleEndian.AppendUint64(dst, id)
	}
	return dst, nil
}

func (t *tally) Commutes() bool { return t.w.mix.commutes }

// think is the program: it mutates now and then.
func (k *worker) think() {
	w := k.w
	if k.over {
		return
	}
	if !w.calm {
		w.after(w.around(w.mix.think), k.proc, k.think)
	}
	switch {
	case w.calm, k.leaving, !k.joined && len(k.ops) == 0:
	case len(k.ops) == 0:
		k.submitCreate(&op{of: k}, objectName, className, false)
	case k.sess.Replica().Object(objectName) == nil:
	default:
		if w.mix.hosted > 0 && !k.hosting {
			k.openHosted()
		}
		for range 1 + w.rnd.IntN(w.mix.burst) {
			if k.flying >= w.mix.inFlight || len(k.ops) > w.mix.opsEach || len(k.held) > 0 {
				break
			}
			w.made++
			o := &op{of: k, id: w.made}
			if k.hosting && w.chance(w.mix.hosted) {
				o.hosted = true
				k.submit(o, windowID, takeID, binary.LittleEndian.AppendUint64(nil, o.id))
			} else if w.chance(w.mix.merge) {
				o.tally = &tally{w, []uint64{o.id}}
				k.submit(o, 1, mergeID, nil)
			} else {
				k.submit(o, 1, addID, binary.LittleEndian.AppendUint64(nil, o.id))
			}
		}
		k.ask()
	}
}

// submitCreate begins the making of an object.
func (k *worker) submitCreate(o *op, name, className string, hosted bool) {
	k.submit(o, comm.CatalogID, comm.CreateID, comm.CreateArgs(name, className, hosted))
}

// submit begins a mutation, or waits with it while the window is full.
func (k *worker) submit(o *op, object, method uint32, args []byte) {
	o.object, o.method, o.args = object, method, args
	k.held = append(k.held, o)
	k.begin()
	if len(k.held) > 0 {
		k.w.count("window full")
	}
}

// begin begins the mutations that waited for the window, as far as it is open.
func (k *worker) begin() {
	for len(k.held) > 0 && !k.sess.Full(k.held[0].domain()) {
		o := k.held[0]
		k.held = k.held[1:]
		k.ops = append(k.ops, o)
		k.flying++
		lone := k.w.chance(k.w.mix.lone)
		err := o.begin(lone)
		if err != nil && !o.settled {
			o.Fail(err)
		}
		k.w.count("mutation")
		k.checkWindow()
	}
}

func (o *op) domain() uint64 {
	if o.hosted {
		return stream.Hosted
	}
	return stream.Replicated
}

// begin hands the call to the session.
func (o *op) begin(lone bool) error {
	ctx, s := context.Background(), o.of.sess
	switch {
	case o.tally != nil:
		return s.Merge(ctx, o.object, o.method, o.tally, o, lone)
	case !o.hosted:
		return s.Submit(ctx, o.object, o.method, o.args, o, lone)
	}
	frame, err := s.BeginHosted(ctx, o.object, o.method)
	if err != nil {
		return err
	}
	return s.CommitHosted(append(frame, o.args...), o, lone)
}

// checkWindow fails when more is in flight than the window allows. Calls that may have merged count for nothing.
func (k *worker) checkWindow() {
	var n [stream.Domains]int
	for _, o := range k.ops {
		if !o.settled && o.tally == nil {
			n[o.domain()]++
		}
	}
	if most := k.w.mix.bounds.Window; n[stream.Replicated] > most || n[stream.Hosted] > most {
		k.w.fail("%s has %v mutations in flight, and windows of %d", k.name, n, most)
	}
}
