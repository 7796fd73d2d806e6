package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"

	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/stream"
	"dsss/runtime/replica"
)

// The program's hosted object: a chain whose mutator returns where it stands, so that no two results are alike.
const (
	windowClass = "sim.Window"
	windowName  = "window"
	resultsID   = 2 // ids in the order of making: the chain is 1
	windowID    = 3
	takeID      = 1
	standsID    = 1 // the getter
)

// leftOut is what is told of a hosted call that is left out.
const leftOut = "left out: it panicked in an earlier run, or was skipped"

var errDeclined = errors.New("declined")

// takes tells whether the window takes what, or returns an error.
func takes(what uint64) bool { return what%8 != 7 }

func registerWindow() {
	c := chainClass(windowClass)
	c.Add(&class.Method{ID: takeID, Name: "Take", Apply: func(o class.Order, obj any, args []byte, to class.Future) {
		c, what := obj.(*chain), binary.LittleEndian.Uint64(args)
		if !takes(what) {
			to.Put(errDeclined)
			return
		}
		*c = c.next(o, what)
		reply := to.(*class.Reply)
		reply.Data = c.append(reply.Data)
	}})
	c.Add(blow)
	c.AddQuery(&class.Query{ID: standsID, Name: "Stands", Read: func(obj any, _ []byte, to *class.Reply) {
		to.Data = obj.(*chain).append(to.Data)
	}})
	class.Register(c)
}

func (c chain) append(dst []byte) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(dst, c.count), c.hash)
}

// chainIn reads what append wrote.
func chainIn(b []byte) chain {
	if len(b) != 16 {
		return chain{}
	}
	return chain{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

// retained is what hosted calls of one batch returned, as host and keeper are to retain it.
type retained struct {
	stream, request, seq uint64
	count                uint32
	outcomes             string
}

func (r retained) last() uint64 { return r.request + uint64(r.count) - 1 }

// host applies a batch of hosted calls to what the order says of the window and of retained results.
func (n *node) host(b comm.Batch) {
	if b.Stream == stream.Void {
		n.ops, n.windows = make([]uint64, b.Count), make([]chain, b.Count)
		return
	}
	var outcomes []byte
	o := class.Order{Session: stream.Session(b.Stream), Nanos: b.Nanos}
	for i := range int(b.Count) {
		o.Seq = b.Sequence + uint64(i)
		object, method, args, _ := b.Calls.Next()
		outcome, data, what := wire.OutcomeDone, []byte(nil), uint64(0)
		switch {
		case object == resultsID && n.opened:
			n.acknowledge(b.Stream, args)
		case object != windowID || !n.opened:
			outcome, data = wire.OutcomeFailed, fmt.Appendf(nil, "%v at sequence number %d", replica.ErrMalformed, o.Seq)
		case method == blowID:
			outcome, data = wire.OutcomeFailed, []byte(leftOut)
		default:
			what = binary.LittleEndian.Uint64(args)
			if takes(what) {
				n.window = n.window.next(o, what)
				data = n.window.append(nil)
			} else {
				outcome, data = wire.OutcomeFailed, []byte(errDeclined.Error())
			}
		}
		outcomes = comm.AppendOutcome(outcomes, outcome, data)
		n.ops, n.windows = append(n.ops, what), append(n.windows, n.window)
	}
	if n.opened {
		n.retain(retained{b.Stream, b.Request, b.Sequence, b.Count, string(outcomes)})
	}
}

// retain keeps what a batch returned, in order of streams.
func (n *node) retain(r retained) {
	i, _ := slices.BinarySearchFunc(n.results, r, func(a, b retained) int {
		if a.stream <= b.stream { // behind those of the same stream
			return -1
		}
		return 1
	})
	n.results = slices.Insert(slices.Clone(n.results), i, r)
}

func (n *node) acknowledge(id uint64, args []byte) {
	upto, err := comm.ParseAck(args)
	if err != nil {
		panic(err)
	}
	n.results = slices.DeleteFunc(slices.Clone(n.results), func(r retained) bool { return r.stream == id && r.last() <= upto })
}

// forget forgets the results of streams that have ended.
func (n *node) forget() {
	n.results = slices.DeleteFunc(slices.Clone(n.results), func(r retained) bool { _, lives := n.sessions[r.stream]; return !lives })
}

// resultsHash condenses the results as Save writes them.
func (n *node) resultsHash() uint64 {
	var all []byte
	for _, r := range n.results {
		all = binary.LittleEndian.AppendUint32(all, uint32(32+len(r.outcomes)))
		for _, v := range [...]uint64{r.stream, r.request, r.seq, uint64(r.count)} {
			all = binary.LittleEndian.AppendUint64(all, v)
		}
		all = append(all, r.outcomes...)
	}
	return hashOf(all)
}

// acknowledged is what an acknowledgement returns, as it is retained.
var acknowledged = comm.AppendOutcome(nil, wire.OutcomeDone, nil)

func hashOf(b []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(b) // never fails
	return h.Sum64()
}

// A holding is what a replica holds beside the sessions, as Save writes it.
type holding struct {
	object        string // that pieces are of
	chain, window chain
	results       []byte
	hosted        bool // pieces of hosted objects came
}

func (h *holding) Begin(replica.ItemEnd) error { return nil }

func (h *holding) Object(o *replica.Object) error {
	h.object = o.Name
	return nil
}

func (h *holding) Piece(data []byte) error {
	switch h.object {
	case objectName:
		h.chain = chainOf(data)
	case windowName:
		h.window, h.hosted = chainOf(data), true
	case replica.ResultsName:
		h.results, h.hosted = append(h.results, data...), true
	}
	return nil
}
