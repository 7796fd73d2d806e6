package flat

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// leaf has what a part leaves open in the middle of other things.
type leaf struct {
	name    string
	numbers []int32
	next    *leaf
}

// tree has one field of each kind, in slots of this order.
type tree struct {
	numbers []int32
	bools   []bool
	times   []time.Time
	strings []string
	leaves  []leaf
	byID    map[int8]string
	byName  map[string][]int64
	set     map[string]struct{}
	text    string
	leaf    *leaf
	rows    [][]int64
}

func buildLeaf(b *Builder, v leaf) Offset {
	if !b.Enter() {
		return 0
	}
	name, numbers, next := CreateString(b, v.name), CreateNumbers(b, v.numbers), CreatePointer(b, v.next, buildLeaf)
	b.StartObject(3)
	PutOffset(b, 0, name)
	PutOffset(b, 1, numbers)
	PutOffset(b, 2, next)
	return b.Leave()
}

func readLeaf(t Table) leaf {
	return leaf{ReadString[string](t, 0), ReadNumbers[[]int32](t, 1), ReadPointer(t, 2, readLeaf)}
}

func buildList(b *Builder, v []int64) Offset {
	if !b.Enter() {
		return 0
	}
	b.Field("list")
	list := CreateNumbers(b, v)
	b.StartObject(1)
	PutOffset(b, 0, list)
	return b.Leave()
}

func readList(t Table) []int64 { return ReadNumbers[[]int64](t, 0) }

func buildTree(b *Builder, v tree) Offset {
	if !b.Enter() {
		return 0
	}
	field := func(name string) { b.Field(name) }
	var offsets [11]Offset
	field("numbers")
	offsets[0] = CreateNumbers(b, v.numbers)
	offsets[1] = CreateBools(b, v.bools)
	offsets[2] = CreateTimes(b, v.times)
	offsets[3] = CreateStrings(b, v.strings)
	offsets[4] = CreateTables(b, v.leaves, buildLeaf)
	if v.byID != nil {
		offsets[5] = CreateMap(b, v.byID, NumberItems[int8](), StringItems[string]())
	}
	if v.byName != nil {
		field("byName")
		offsets[6] = CreateMap(b, v.byName, StringItems[string](), TableItems(buildList))
	}
	if v.set != nil {
		offsets[7] = CreateMap(b, v.set, StringItems[string](), NoItems())
	}
	offsets[8] = CreateString(b, v.text)
	offsets[9] = CreatePointer(b, v.leaf, buildLeaf)
	offsets[10] = CreateTables(b, v.rows, buildList)
	b.StartObject(len(offsets))
	for i, o := range offsets {
		PutOffset(b, i, o)
	}
	return b.Leave()
}

func readByID(t Table) map[int8]string {
	return ReadMap[map[int8]string](t, NumberItems[int8](), StringItems[string](), cmp.Compare[int8])
}

func readByName(t Table) map[string][]int64 {
	return ReadMap[map[string][]int64](t, StringItems[string](), TableReads(readList), cmp.Compare[string])
}

func readSet(t Table) map[string]struct{} {
	return ReadMap[map[string]struct{}](t, StringItems[string](), NoItems(), cmp.Compare[string])
}

func readTree(t Table) tree {
	return tree{
		ReadNumbers[[]int32](t, 0), ReadBools[[]bool](t, 1), ReadTimes[[]time.Time](t, 2), ReadStrings[[]string](t, 3),
		ReadTables[[]leaf](t, 4, readLeaf), readByID(t.Sub(5)), readByName(t.Sub(6)), readSet(t.Sub(7)),
		ReadString[string](t, 8), ReadPointer(t, 9, readLeaf), ReadTables[[][]int64](t, 10, readList),
	}
}

// readStump reads a tree of which fields were retired.
func readStump(t Table) tree {
	return tree{bools: ReadBools[[]bool](t, 1), byID: readByID(t.Sub(5)), text: ReadString[string](t, 8)}
}

func treeOf(n int) tree {
	v := tree{numbers: []int32{}, bools: []bool{}, times: []time.Time{}, strings: []string{}, leaves: []leaf{}, byID: map[int8]string{}, byName: map[string][]int64{}, set: map[string]struct{}{}, rows: [][]int64{nil, {}}}
	for i := range n {
		v.numbers = append(v.numbers, int32(i))
		v.bools = append(v.bools, i%2 == 0)
		v.times = append(v.times, time.Unix(int64(i), 0).UTC())
		v.strings = append(v.strings, fmt.Sprint("string ", i))
		v.leaves = append(v.leaves, leaf{name: fmt.Sprint("leaf", i), numbers: []int32{1, 2, 3, 4, int32(i)}})
		v.byID[int8(i)] = fmt.Sprint("name ", i)
		v.byName[fmt.Sprint("quite a long key ", i)] = make([]int64, i%7)
		v.set[fmt.Sprint(i)] = struct{}{}
		v.text += fmt.Sprint(i)
		if i < 20 {
			v.leaf = &leaf{name: "down", numbers: v.numbers, next: v.leaf}
		}
		v.rows = append(v.rows, []int64{int64(i), 2})
	}
	return v
}

// partsOf returns the buffers of v.
func partsOf(t testing.TB, v tree, size int) (list [][]byte) {
	t.Helper()
	err := SaveParts(func(buf []byte) error {
		list = append(list, bytes.Clone(buf))
		return nil
	}, size, v, buildTree)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// from hands out buffers, in memory that it then uses again.
func from(list [][]byte) func() ([]byte, error) {
	var last []byte
	return func() ([]byte, error) {
		clear(last)
		if len(list) == 0 {
			return nil, io.EOF
		}
		last = bytes.Clone(list[0])
		list = list[1:]
		return last, nil
	}
}

var treeSizes = []int{16, 50, 64, 100, 333, 1000, 1 << 20}

// TestParts: whatever the size of a part and the number of items, a state comes back whole from parts of about that size;
// one buffer does for a small one, and is that of a call; nil stays nil; maps filled in another order change nothing.
func TestParts(t *testing.T) {
	for _, size := range treeSizes {
		for _, v := range []tree{{}, treeOf(0), treeOf(1), treeOf(2), treeOf(7), treeOf(100)} {
			list := partsOf(t, v, size)
			for i, buf := range list {
				if len(buf) > size+650 {
					t.Errorf("parts of %d bytes: number %d has %d", size, i, len(buf))
				}
			}
			back, err := Load(from(list), readTree)
			if err != nil || !reflect.DeepEqual(back, v) {
				t.Fatalf("parts of %d bytes, %d items: %v came back, %v", size, len(v.numbers), back, err)
			}
			if !slices.EqualFunc(list, partsOf(t, back, size), bytes.Equal) {
				t.Errorf("parts of %d bytes: equal states have other parts", size)
			}
			if size == 1<<20 {
				if call, err := Append(nil, v, buildTree); err != nil || len(list) != 1 || !bytes.Equal(call, list[0]) {
					t.Errorf("%d buffers for a small state, error %v", len(list), err)
				}
			}
			stump, err := Load(from(list), readStump)
			if err != nil || !slices.Equal(stump.bools, v.bools) || !maps.Equal(stump.byID, v.byID) || stump.text != v.text {
				t.Errorf("parts of %d bytes: without retired fields %v came back, %v", size, stump, err)
			}
		}
	}
}

// TestHostileParts: a stream of which a part is missing, repeated, cut, or in another's place is an error.
func TestHostileParts(t *testing.T) {
	broken := errors.New("broken")
	for _, size := range treeSizes[:6] {
		v := treeOf(12)
		list := partsOf(t, v, size)
		try := func(about string, list [][]byte) {
			t.Helper()
			if back, err := Load(from(list), readTree); !errors.Is(err, ErrMalformed) {
				t.Errorf("parts of %d bytes: %s: error %v, same state: %v", size, about, err, reflect.DeepEqual(back, v))
			}
		}
		for i := range list {
			try(fmt.Sprint("without part ", i), slices.Concat(list[:i], list[i+1:]))
			try(fmt.Sprint("part twice: ", i), slices.Concat(list[:i+1], list[i:]))
			try(fmt.Sprint("cut behind part ", i), slices.Clone(list[:i]))
			try(fmt.Sprint("junk for part ", i), slices.Concat(list[:i], [][]byte{{8, 0, 0, 0, 'P', 'A', 'R', 'T'}}, list[i+1:]))
			if i > 0 && !bytes.Equal(list[i], list[i-1]) {
				swapped := slices.Clone(list)
				swapped[i], swapped[i-1] = list[i-1], list[i]
				if back, err := Load(from(swapped), readTree); err == nil && reflect.DeepEqual(back, v) || err != nil && !errors.Is(err, ErrMalformed) {
					t.Errorf("parts %d and %d swapped: error %v", i-1, i, err)
				}
			}
			next := from(list[:i])
			if _, err := Load(func() ([]byte, error) {
				buf, err := next()
				if err == io.EOF {
					err = broken
				}
				return buf, err
			}, readTree); !errors.Is(err, broken) {
				t.Errorf("a reader that breaks at part %d: error %v", i, err)
			}
		}
	}
	if _, err := Load(from(nil), readTree); !errors.Is(err, ErrMalformed) {
		t.Errorf("no buffer: error %v", err)
	}
}

// TestBrokenPartOfMap: a part of a map in which there is no sound table is an error, and no end of the map.
func TestBrokenPartOfMap(t *testing.T) {
	list := partsOf(t, tree{byID: map[int8]string{1: "a", 2: "b"}}, 8)
	last := bytes.Clone(list[len(list)-1])
	check := New(last)
	content := check.Root().Sub(partContent)
	if !content.Present() {
		t.Fatalf("the last of %d parts has no entries", len(list))
	}
	binary.LittleEndian.PutUint32(last[content.pos:], math.MaxInt32) // where its vtable is
	list[len(list)-1] = last
	if back, err := Load(from(list), readTree); !errors.Is(err, ErrMalformed) {
		t.Errorf("%v was read, %v", back.byID, err)
	}
}

// TestRepeatedKey: a part of a map has no key that is not above those of earlier ones.
func TestRepeatedKey(t *testing.T) {
	two := tree{byID: map[int8]string{1: "a", 2: "b"}}
	list := partsOf(t, two, 8)
	last := list[len(list)-1]
	at := bytes.LastIndexByte(last, 2) // the key, behind what else the part has
	check := New(last)
	if keys := ReadNumbers[[]int8](check.Root().Sub(partContent), 0); !slices.Equal(keys, []int8{2}) {
		t.Fatalf("the last of %d parts has no key 2", len(list))
	}
	for ; at >= 0; at = bytes.LastIndexByte(last[:at], 2) {
		bad := bytes.Clone(last)
		bad[at] = 1
		check := New(bad)
		if keys := ReadNumbers[[]int8](check.Root().Sub(partContent), 0); check.Err() != nil || !slices.Equal(keys, []int8{1}) {
			continue // another 2
		}
		list[len(list)-1] = bad
		if back, err := Load(from(list), readTree); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "map key out of order") {
			t.Errorf("%v was read, %v", back.byID, err)
		}
		return
	}
	t.Fatal("no byte is the key")
}
