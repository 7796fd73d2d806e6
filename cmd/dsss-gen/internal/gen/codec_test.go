package gen

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"dsss/class"
	"dsss/cmd/dsss-gen/internal/gen/testdata/calls"
	"dsss/cmd/dsss-gen/internal/gen/testdata/coder"
	_ "dsss/cmd/dsss-gen/internal/gen/testdata/counter"
	_ "dsss/cmd/dsss-gen/internal/gen/testdata/evolved"
	"dsss/cmd/dsss-gen/internal/gen/testdata/keys"
	"dsss/cmd/dsss-gen/internal/gen/testdata/kinds"
	"dsss/cmd/dsss-gen/internal/gen/testdata/shapes"
	_ "dsss/cmd/dsss-gen/internal/gen/testdata/twins"
	"dsss/flat"
)

// allCoders are the codecs of the cases that have every kind of type.
var allCoders = slices.Concat(kinds.Coders, shapes.Coders, keys.Coders)

// lookup returns a class that a case registered.
func lookup(t testing.TB, name string) *class.Class {
	t.Helper()
	c := class.Lookup(name)
	if c == nil {
		t.Fatalf("class %s is not registered", name)
	}
	return c
}

// apply runs a mutator as a replica that is not its origin.
func apply(t testing.TB, name string, id uint32, obj any, args []byte) {
	t.Helper()
	lookup(t, name).Method(id).Apply(class.Order{Seq: 3, Nanos: 5}, obj, args, nil)
}

// save returns the one chunk of a state, copied.
func save(t testing.TB, name string, obj any) []byte {
	t.Helper()
	var chunks [][]byte
	err := lookup(t, name).Save(obj, func(chunk []byte) error {
		chunks = append(chunks, bytes.Clone(chunk))
		return nil
	})
	if err != nil || len(chunks) != 1 {
		t.Fatalf("Save emitted %d chunks, error %v; want 1", len(chunks), err)
	}
	return chunks[0]
}

// load reads a state from chunks.
func load1(t testing.TB, name string, chunks ...[]byte) (any, error) {
	t.Helper()
	return lookup(t, name).Load(func() ([]byte, error) {
		if len(chunks) == 0 {
			return nil, io.EOF
		}
		chunk := chunks[0]
		chunks = chunks[1:]
		return chunk, nil
	})
}

// TestRoundTrip sends random values of every root table through its codec: what comes back is the same to the bit, is
// written as the same bytes, and shares no memory with the buffer.
func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range allCoders {
		for range 300 {
			value := c.New()
			fill(r, value, anything)
			buf := c.Encode(value)
			back, err := c.Decode(buf)
			if err != nil {
				t.Fatalf("%s: %v", c.Table, err)
			}
			again := c.Encode(back)
			if !bytes.Equal(buf, again) {
				t.Fatalf("%s: equal values are written as different bytes", c.Table)
			}
			for i := range buf {
				buf[i] ^= 0xff
			}
			if d := differ(value, back); d != "" {
				t.Fatalf("%s: %s", c.Table, d)
			}
		}
	}
}

func TestStateRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		e := new(kinds.Everything)
		fill(r, e, anything)
		back, err := load1(t, "kinds.Everything", save(t, "kinds.Everything", e))
		if err != nil {
			t.Fatal(err)
		}
		if d := differ(e, back); d != "" {
			t.Fatal(d)
		}
	}
}

// TestChunks: a state is exactly one chunk, and a chunk is exactly a buffer.
func TestChunks(t *testing.T) {
	good := save(t, "kinds.Everything", new(kinds.Everything))
	for about, chunks := range map[string][][]byte{
		"no chunk":       nil,
		"a second chunk": {good, good},
		"an empty chunk": {{}},
		"half a chunk":   {good[:len(good)/2]},
		"junk":           {bytes.Repeat([]byte{0xff}, 64)},
		"all zero":       {make([]byte, 64)},
	} {
		if _, err := load1(t, "kinds.Everything", chunks...); !errors.Is(err, flat.ErrMalformed) {
			t.Errorf("%s: error %v, want %v", about, err, flat.ErrMalformed)
		}
	}
	broken := errors.New("disk on fire")
	_, err := lookup(t, "kinds.Everything").Load(func() ([]byte, error) { return nil, broken })
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want the reader's", err)
	}
}

// TestMalformedArgs: arguments that are no buffer change nothing.
func TestMalformedArgs(t *testing.T) {
	e := new(kinds.Everything)
	fill(rand.New(rand.NewPCG(7, 8)), e, anything)
	before := save(t, "kinds.Everything", e)
	for _, args := range [][]byte{nil, {1}, bytes.Repeat([]byte{0x7f}, 100)} {
		for _, id := range []uint32{1, 2, 3, 4} {
			apply(t, "kinds.Everything", id, e, args)
		}
	}
	if !bytes.Equal(before, save(t, "kinds.Everything", e)) {
		t.Error("malformed arguments changed the state")
	}
}

// TestFingerprint: the fingerprints of all cases differ, and the schema of a class holds all its tables.
func TestFingerprint(t *testing.T) {
	seen := map[uint64]string{}
	for _, c := range class.All() {
		if other := seen[c.Fingerprint()]; other != "" {
			t.Errorf("%s and %s have one fingerprint", c.Name, other)
		}
		seen[c.Fingerprint()] = c.Name
	}
	schema := lookup(t, "kinds.Everything").Method(4).Schema
	for _, table := range []string{"EverythingWalkArgs", "Path", "Point", "MapOfStringToListOfString", "ListOfString"} {
		if strings.Count(schema, "table "+table+" ") != 1 {
			t.Errorf("the schema of Walk has not one table %s:\n%s", table, schema)
		}
	}
	if got := lookup(t, "library.Book").Method(300); got == nil || got.Name != "Add" {
		t.Error("library.Book has no mutator Add with id 300")
	}
}

// TestDecodeAllocations: reading allocates the values and nothing else, and what it allocates is bounded by the input.
func TestDecodeAllocations(t *testing.T) {
	push := kinds.Coders[slices.IndexFunc(kinds.Coders, func(c coder.Coder) bool { return c.Table == "EverythingPushArgs" })]
	value := push.New()
	buf := push.Encode(value)
	// One allocation is the test's own, for the pointer that it asks for.
	if n := testing.AllocsPerRun(100, func() { _, _ = push.Decode(buf) }); n > 1 {
		t.Errorf("reading empty arguments allocates %v times", n-1)
	}
}

// TestResultIsACopy: what a mutator returns does not let its caller into the replica, however deep.
func TestResultIsACopy(t *testing.T) {
	e := new(kinds.Everything)
	build := func(table string, set func(reflect.Value)) []byte {
		c := kinds.Coders[slices.IndexFunc(kinds.Coders, func(c coder.Coder) bool { return c.Table == table })]
		args := c.New()
		set(reflect.ValueOf(args).Elem())
		return c.Encode(args)
	}
	path := kinds.Path{Name: "way", Points: []kinds.Point{{X: 1}}}
	push := build("EverythingPushArgs", func(v reflect.Value) { v.FieldByName("Ctx").Set(reflect.ValueOf([]int{1, 2})) })
	walk := build("EverythingWalkArgs", func(v reflect.Value) { v.FieldByName("P").Set(reflect.ValueOf(path)) })
	pushed, walked := new(class.Outcome[[]int]), new(class.Outcome[map[string]kinds.Path])
	c := lookup(t, "kinds.Everything")
	c.Method(3).Apply(class.Order{Seq: 1}, e, push, pushed)
	c.Method(4).Apply(class.Order{Seq: 2}, e, walk, walked)
	pushed.Resolve(1)
	walked.Resolve(2)
	before := save(t, "kinds.Everything", e)
	ints, _, err := pushed.Get()
	if err != nil || !slices.Equal(ints, []int{1, 2}) {
		t.Fatalf("Push returned %v, %v", ints, err)
	}
	paths, _, err := walked.Get()
	if err != nil || paths["way"].Points[0].X != 1 {
		t.Fatalf("Walk returned %v, %v", paths, err)
	}
	ints[0], paths["way"].Points[0].X = 100, 100
	if !bytes.Equal(before, save(t, "kinds.Everything", e)) {
		t.Error("writing to a result wrote to the state")
	}
}

// sameAnswer checks that the two ways to decode a buffer say the same about it.
func sameAnswer(t *testing.T, c coder.Coder, buf []byte) {
	t.Helper()
	value, err := c.Decode(buf)
	general, generalErr := c.General(buf)
	if (err == nil) != (generalErr == nil) {
		t.Fatalf("%s: error %v, and %v the general way, of\n%x", c.Table, err, generalErr, buf)
	}
	if d := differ(value, general); d != "" {
		t.Fatalf("%s: the two ways to read it disagree: %s, of\n%x", c.Table, d, buf)
	}
}

// TestEveryBit turns every bit of buffers around, and cuts them at every length: decoding by layout and the general way
// agree on each, and mostly on a refusal or another value.
func TestEveryBit(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, c := range allCoders {
		if !slices.Contains([]string{"EverythingPushArgs", "EverythingWalkArgs", "EverythingMarkArgs", "EverythingNoteArgs"}, c.Table) {
			continue // large, and there is but one way to read it
		}
		for _, wild := range []bool{false, true, true} {
			value := c.New()
			if wild {
				fill(r, value, anything)
			}
			buf := c.Encode(value)
			for i := range buf {
				for bit := range 8 {
					buf[i] ^= 1 << bit
					sameAnswer(t, c, buf)
					buf[i] ^= 1 << bit
				}
				sameAnswer(t, c, buf[:i])
			}
			sameAnswer(t, c, append(buf, 0, 1, 2, 3))
		}
	}
}

// TestAppend: arguments are appended behind what is there, and leave it alone.
func TestAppend(t *testing.T) {
	before := []byte("12345678")
	got, err1 := calls.AppendBytes(bytes.Clone(before), data64)
	alone, err2 := calls.AppendBytes(nil, data64)
	if want := append(before, alone...); err1 != nil || err2 != nil || !bytes.Equal(got, want) {
		t.Errorf("appended\n%x, want\n%x", got, want)
	}
}

func fuzzSeeds(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 10))
	for i, c := range allCoders {
		for range 4 {
			value := c.New()
			fill(r, value, anything)
			f.Add(uint8(i), c.Encode(value))
		}
		f.Add(uint8(i), []byte{})
		f.Add(uint8(i), bytes.Repeat([]byte{4, 0, 0, 0}, 64))
	}
}

// FuzzDecode: no bytes make a generated reader panic, hang, or allocate out of proportion; and what it accepts it can
// write and read again.
func FuzzDecode(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, which uint8, buf []byte) {
		c := allCoders[int(which)%len(allCoders)]
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		value, err := c.Decode(buf)
		runtime.ReadMemStats(&after)
		// The widest element of a vector here is a Path of 64 bytes, for the 8 that an empty table takes; maps
		// double that. The rest is for the state itself and for what the runtime does meanwhile.
		if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(64*len(buf)+1<<17); got > limit {
			t.Fatalf("%d bytes of input made %d bytes of allocations", len(buf), got)
		}
		sameAnswer(t, c, buf)
		if err != nil {
			if !errors.Is(err, flat.ErrMalformed) {
				t.Fatalf("error %v is not %v", err, flat.ErrMalformed)
			}
			return
		}
		once := c.Encode(value)
		back, err := c.Decode(once)
		if err != nil {
			t.Fatalf("refused what it wrote: %v", err)
		}
		if d := differ(value, back); d != "" {
			t.Fatal(d)
		}
	})
}
