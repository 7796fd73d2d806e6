package comm

import (
	"bytes"
	"maps"
	"testing"

	"dsss/comm/wire"
)

// TestTables: what was put comes back from the wire, and equal tables are equal bytes.
func TestTables(t *testing.T) {
	sessions, ended := map[uint64]uint64{}, map[int32]uint64{-1: 9}
	for i := range uint64(100) {
		sessions[i*i+1], ended[int32(i)] = i, i+1
	}
	frame := func() []byte {
		end := &wire.StateEndT{}
		PutTables(end, sessions, ended)
		return Frame(KindStateEnd, end)
	}
	first := frame()
	for range 10 {
		if !bytes.Equal(frame(), first) {
			t.Fatal("equal tables, other bytes")
		}
	}
	end, err := ParseStateEnd(first[HeaderSize:])
	if err != nil {
		t.Fatal(err)
	}
	s, e := Tables(end)
	if !maps.Equal(s, sessions) || !maps.Equal(e, ended) {
		t.Errorf("put %v, %v; got %v, %v", sessions, ended, s, e)
	}
	if s, e := Tables(&wire.StateEndT{}); s == nil || e == nil {
		t.Error("no tables are nil maps")
	}
}
