package flat

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"testing"
	"time"
)

// tiny has one field of each kind of Rest, in slots of this order.
type tiny struct {
	numbers []int32
	bools   []bool
	times   []time.Time
	strings []string
	tables  []int64
	byID    map[int8]string
	byName  map[string]int64
	set     map[string]struct{}
}

func buildInt(b *Builder, x int64) Offset {
	b.StartObject(1)
	PutNumber(b, 0, x)
	return b.EndObject()
}

func (v *tiny) save(emit func([]byte) error) error {
	rests := map[int]Rest{
		0: RestOfNumbers(v.numbers), 1: RestOfBools(v.bools), 2: RestOfTimes(v.times), 3: RestOfStrings(v.strings),
		4: RestOfTables(v.tables, buildInt), 5: RestOfMap(v.byID, StringValues[string]),
		6: RestOfStringMap(v.byName, NumberValues[int64]), 7: RestOfStringMap(v.set, SetValues),
	}
	return Save(emit, rests, func(b *Builder) Offset {
		offsets := make([]Offset, len(rests))
		for i := range offsets {
			offsets[i] = rests[i].Create(b)
		}
		b.StartObject(len(offsets))
		for i, o := range offsets {
			PutOffset(b, i, o)
		}
		return b.EndObject()
	})
}

func readInts(t Table) (list []int64) {
	if s := t.Subs(4); s.Present() {
		list = make([]int64, s.Len())
		for i := range list {
			list[i] = ReadNumber[int64](s.At(i), 0)
		}
	}
	return list
}

func readByID(t Table) map[int8]string {
	keys, values := Keys[int8](t, 0), Strings[string](t, 1)
	if !SameCount(t, keys.Len(), values.Len()) || !keys.Present() {
		return nil
	}
	m := map[int8]string{}
	for i := range keys.Len() {
		m[keys.At(i)] = values.At(i)
	}
	return m
}

func readByName(t Table) map[string]int64 {
	keys, values := StringKeys[string](t, 0), Numbers[int64](t, 1)
	if !SameCount(t, keys.Len(), values.Len()) || !keys.Present() {
		return nil
	}
	m := map[string]int64{}
	for i := range keys.Len() {
		m[keys.At(i)] = values.At(i)
	}
	return m
}

func readSet(t Table) map[string]struct{} {
	keys := StringKeys[string](t, 0)
	if !keys.Present() {
		return nil
	}
	m := map[string]struct{}{}
	for i := range keys.Len() {
		m[keys.At(i)] = struct{}{}
	}
	return m
}

func (v *tiny) load(chunks [][]byte) error {
	next := func() ([]byte, error) {
		if len(chunks) == 0 {
			return nil, io.EOF
		}
		chunk := chunks[0]
		chunks = chunks[1:]
		return chunk, nil
	}
	return Load(next, func(chunk []byte) error {
		check := New(chunk)
		t := check.Root()
		*v = tiny{
			ReadNumbers[[]int32](t, 0), ReadBools[[]bool](t, 1), ReadTimes[[]time.Time](t, 2), ReadStrings[[]string](t, 3),
			readInts(t), readByID(t.Sub(5)), readByName(t.Sub(6)), readSet(t.Sub(7)),
		}
		return check.Err()
	}, func(t Table) bool {
		switch {
		case t.Has(0):
			v.numbers = AddNumbers(t, 0, v.numbers)
		case t.Has(1):
			v.bools = Add(t, v.bools, ReadBools[[]bool](t, 1))
		case t.Has(2):
			v.times = Add(t, v.times, ReadTimes[[]time.Time](t, 2))
		case t.Has(3):
			v.strings = Add(t, v.strings, ReadStrings[[]string](t, 3))
		case t.Has(4):
			v.tables = Add(t, v.tables, readInts(t))
		case t.Has(5):
			AddMap(t, v.byID, readByID(t.Sub(5)))
		case t.Has(6):
			AddMap(t, v.byName, readByName(t.Sub(6)))
		case t.Has(7):
			AddMap(t, v.set, readSet(t.Sub(7)))
		default:
			return false
		}
		return true
	})
}

func tinyOf(n int) *tiny {
	v := &tiny{numbers: []int32{}, bools: []bool{}, times: []time.Time{}, strings: []string{}, tables: []int64{}, byID: map[int8]string{}, byName: map[string]int64{}, set: map[string]struct{}{}}
	for i := range n {
		v.numbers = append(v.numbers, int32(i))
		v.bools = append(v.bools, i%2 == 0)
		v.times = append(v.times, time.Unix(int64(i), 0).UTC())
		v.strings = append(v.strings, fmt.Sprint("string ", i))
		v.tables = append(v.tables, int64(i))
		v.byID[int8(i)] = fmt.Sprint("name ", i)
		v.byName[fmt.Sprint("key ", i)] = int64(i)
		v.set[fmt.Sprint(i)] = struct{}{}
	}
	return v
}

func (v *tiny) equal(w *tiny) bool {
	same := slices.Equal(v.numbers, w.numbers) && slices.Equal(v.bools, w.bools) && slices.Equal(v.times, w.times) &&
		slices.Equal(v.strings, w.strings) && slices.Equal(v.tables, w.tables) && maps.Equal(v.byID, w.byID) &&
		maps.Equal(v.byName, w.byName) && maps.Equal(v.set, w.set)
	return same && (v.numbers == nil) == (w.numbers == nil) && (v.tables == nil) == (w.tables == nil) && (v.set == nil) == (w.set == nil)
}

// TestChunks: whatever the size of a chunk and the number of items, a state comes back whole from chunks of about that
// size; one chunk does for a small one, and nil stays nil.
func TestChunks(t *testing.T) {
	defer func(was int) { partBytes = was }(partBytes)
	for _, partBytes = range []int{16, 50, 64, 100, 333, 1 << 20} {
		for _, v := range []*tiny{{}, tinyOf(0), tinyOf(1), tinyOf(2), tinyOf(7), tinyOf(100)} {
			var chunks [][]byte
			err := v.save(func(chunk []byte) error {
				if len(chunk) > 2*partBytes+400 {
					t.Errorf("parts of %d bytes: chunk %d has %d", partBytes, len(chunks), len(chunk))
				}
				chunks = append(chunks, bytes.Clone(chunk))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			var back tiny
			if err := back.load(chunks); err != nil || !back.equal(v) {
				t.Errorf("parts of %d bytes, %d items: %v came back, %v", partBytes, len(v.numbers), back, err)
			}
			if partBytes == 1<<20 && len(chunks) != 1 {
				t.Errorf("%d chunks for a small state", len(chunks))
			}
			for i := range chunks[1:] {
				var short tiny
				if err := short.load(append(slices.Clone(chunks[:1]), nil)); !errors.Is(err, ErrMalformed) {
					t.Fatalf("an empty chunk %d: error %v", i, err)
				}
			}
		}
	}
}
