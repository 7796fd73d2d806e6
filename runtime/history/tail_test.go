package history

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTailKeepsBytes: a tail has the batches that make up the last bytes that it may keep, whatever their size, and that
// takes no more memory.
func TestTailKeepsBytes(t *testing.T) {
	const most, slab = 96 << 10, 1 << 10
	for _, size := range []int{1, 100, 600, slab, slab + 1, 5 << 10} {
		tail := NewTail(most, slab)
		tail.Keep = true
		body := bytes.Repeat([]byte{1}, size)
		seq := uint64(0)
		for total := 0; total < most+most/2; total += size {
			seq++
			tail.Add(seq, seq, body)
		}
		kept, memory := 0, 0
		for body := range tail.From(0, 16) {
			kept += len(body) - 16
		}
		for _, s := range tail.slabs {
			memory += cap(s)
		}
		if kept > most || kept+size <= most || memory > most+2*slab {
			t.Errorf("batches of %d bytes: %d bytes are remembered, in %d", size, kept, memory)
		}
		if first := tail.First(); int(seq-first+1)*size != kept {
			t.Errorf("batches of %d bytes: the first is %d of %d, with %d bytes", size, first, seq, kept)
		}
	}
}

// TestTailIsAList: whatever is added and forgotten, a tail yields what a list of the batches would.
func TestTailIsAList(t *testing.T) {
	type batch struct {
		first, last uint64
		body        []byte
	}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		most, slab := 1+r.IntN(400), 1+r.IntN(64)
		tail := NewTail(most, slab)
		tail.Keep = true
		var list []batch
		next := uint64(1)
		for range 300 {
			if r.IntN(4) == 0 {
				seq := next - min(next, uint64(r.IntN(12)))
				tail.Forget(seq)
				list = slices.DeleteFunc(list, func(b batch) bool { return b.last <= seq })
			} else {
				b := batch{next, next + uint64(r.IntN(3)), make([]byte, r.IntN(60))}
				for i := range b.body {
					b.body[i] = byte(r.Uint32())
				}
				tail.Add(b.first, b.last, b.body)
				list, next = append(list, b), b.last+1
				for size := sizeOf(list, func(b batch) int { return len(b.body) }); size > most; list = list[1:] {
					size -= len(list[0].body)
				}
			}
			from, i := next-min(next, uint64(r.IntN(12))), 0
			want := slices.DeleteFunc(slices.Clone(list), func(b batch) bool { return b.last < from })
			for body := range tail.From(from, 3) {
				if i == len(want) || !bytes.Equal(body[3:], want[i].body) {
					t.Fatalf("seed %d: batch %d from %d on is not that of the list", seed, i, from)
				}
				i++
			}
			if i != len(want) {
				t.Fatalf("seed %d: %d batches from %d on, want %d", seed, i, from, len(want))
			}
			if len(list) > 0 && tail.First() != list[0].first || len(list) == 0 && tail.First() != next {
				t.Fatalf("seed %d: begins at %d", seed, tail.First())
			}
		}
	}
}

func sizeOf[T any](list []T, size func(T) int) (sum int) {
	for _, v := range list {
		sum += size(v)
	}
	return sum
}

// TestTailThatKeepsNothing: what is on disk before anybody applies it is not remembered.
func TestTailThatKeepsNothing(t *testing.T) {
	tail := NewTail(100, 10)
	tail.Add(1, 1, []byte("body"))
	if tail.First() != 2 {
		t.Error("it is remembered")
	}
}

// TestTailWithGaps: what is not given to a replica does not count as missing from its tail, and what came in a state does.
func TestTailWithGaps(t *testing.T) {
	tail := NewTail(100, 10)
	tail.Keep = true
	expect := func(first uint64) {
		t.Helper()
		if tail.First() != first {
			t.Errorf("has all from %d on, want %d", tail.First(), first)
		}
	}
	tail.Skip(5)
	expect(6)
	tail.Add(8, 9, []byte("body"))
	expect(6)
	tail.Forget(7)
	expect(6)
	tail.Forget(20)
	expect(10)
	tail.Add(30, 30, []byte("body"))
	tail.Skip(40)
	expect(41)
}
