package coordinator

import (
	"testing"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/stream"
	"dsss/runtime/order"
)

// remembered is what a worker remembers that a coordinator ordered behind previous of the replicated domain.
func remembered(t *testing.T, request, first, previous uint64) tailEntry {
	t.Helper()
	frame := comm.AppendCall(comm.BeginBatch(nil), 1, 1, nil)
	comm.FinishBatch(frame, 7, request, 1)
	comm.Order(frame, first, 1, 0, previous)
	return tailEntry{first: first, previous: previous, stream: 7, request: request, count: 1, frame: frame}
}

// TestBridge: what a worker remembers goes on from where the disk and the keeper end, wherever that is. The hosted calls in
// between are void, and nothing is void where nothing is missing.
func TestBridge(t *testing.T) {
	tail := &tail{entries: []tailEntry{remembered(t, 2, 3, 1), remembered(t, 3, 6, 3)}, end: &wire.StateEndT{Sequence: 8}}
	for _, test := range []struct {
		disk, request, head, void uint64
		whole                     uint64
		added                     int
		from                      uint64
		fails                     bool
	}{
		{disk: 1, request: 1, head: 8, void: 5, whole: 1, added: 5}, // 2, 4 and 5, 7 and 8 are void
		{disk: 4, request: 2, head: 8, void: 3, whole: 4, added: 3},
		{disk: 8, request: 3, head: 8},
		{disk: 10, request: 3, head: 10}, // the worker is behind what the disk has
		{disk: 10, request: 3, head: 10, from: 20},
		{disk: 4, request: 2, head: 8, void: 3, whole: 4, added: 3, from: 5},
		{disk: 1, request: 1, head: 1, from: 3, fails: true}, // it has forgotten what lies in between, which may be of the replicated domain
	} {
		c := &Core{}
		tail.from = test.from
		table := order.Table{Head: test.disk, Sessions: map[uint64]uint64{7: test.request}}
		clock := int64(0)
		entries, err := c.bridge(&table, tail, &clock)
		if (err != nil) != test.fails || len(entries) != test.added || table.Head != test.head || wholeUpTo(entries) != test.whole || table.Sessions[stream.Void] != test.void || table.Sessions[7] != 3 && !test.fails {
			t.Errorf("behind %d: %d entries up to %d, %d void, requests up to %d: %v", test.disk, len(entries), table.Head, table.Sessions[stream.Void], table.Sessions[7], err)
		}
	}
}
