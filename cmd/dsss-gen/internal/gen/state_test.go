package gen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"dsss/cmd/dsss-gen/internal/gen/testdata/coder"
	"dsss/cmd/dsss-gen/internal/gen/testdata/keys"
	"dsss/cmd/dsss-gen/internal/gen/testdata/kinds"
	"dsss/cmd/dsss-gen/internal/gen/testdata/shapes"
	"dsss/flat"
	"dsss/internal/limits"
)

// chunksOf returns the chunks of a state, copied.
func chunksOf(t testing.TB, name string, obj any) [][]byte {
	t.Helper()
	var chunks [][]byte
	err := lookup(t, name).Save(obj, func(chunk []byte) error {
		chunks = append(chunks, bytes.Clone(chunk))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return chunks
}

// TestLargeState: a state of many times a chunk's size is written in chunks of bounded size, and comes back; the order in
// which its maps were filled does not show.
func TestLargeState(t *testing.T) {
	const many = 50_000
	states := [2]*kinds.Everything{}
	for i := range states {
		args := kinds.Large(many, i == 1)
		states[i] = args
	}
	chunks := chunksOf(t, "kinds.Everything", states[0])
	total := 0
	for i, c := range chunks {
		total += len(c)
		if len(c) > 2*limits.Piece+4096 {
			t.Errorf("chunk %d has %d bytes", i, len(c))
		}
	}
	if total < 10*limits.Piece || len(chunks) > total/limits.Piece*4 {
		t.Errorf("%d bytes in %d chunks", total, len(chunks))
	}
	if !slices.EqualFunc(chunks, chunksOf(t, "kinds.Everything", states[1]), bytes.Equal) {
		t.Error("equal states are written as different chunks")
	}
	back, err := load1(t, "kinds.Everything", chunks...)
	if err != nil {
		t.Fatal(err)
	}
	if d := differ(states[0], back); d != "" {
		t.Fatal(d)
	}

	// The first buffer comes first, and alone; parts continue something of the same state.
	for about, bad := range map[string][][]byte{
		"no first buffer":        chunks[1:],
		"the first buffer twice": slices.Concat(chunks[:1], chunks),
		"the parts of another":   slices.Concat(chunksOf(t, "kinds.Everything", new(kinds.Everything)), chunks[1:]),
		"half a part":            slices.Concat(chunks[:2], [][]byte{chunks[2][:len(chunks[2])/2]}),
		"junk":                   slices.Concat(chunks[:2], [][]byte{{1, 2, 3}}),
		"the first part alone":   chunks[:1],
	} {
		if _, err := load1(t, "kinds.Everything", bad...); !errors.Is(err, flat.ErrMalformed) {
			t.Errorf("%s: error %v, want %v", about, err, flat.ErrMalformed)
		}
	}
	full := errors.New("disk full")
	left := 3
	err = lookup(t, "kinds.Everything").Save(states[0], func([]byte) error {
		if left--; left == 0 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || left != 0 {
		t.Errorf("Save went on after an error: %v, %d", err, left)
	}
}

// TestStateParts: random states of every type, in parts of every size, come back to the bit and have the same parts again.
func TestStateParts(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for _, c := range []coder.Coder{kinds.Coders[0], shapes.Coders[0], keys.Coders[0]} {
		for i := range 200 {
			value := c.New()
			fill(r, value, anything)
			size := 8 << (i % 12)
			parts, err := c.Save(value, size)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range parts {
				if len(p) > size+5000 { // as many as the fields of the state need, which leave all open
					t.Errorf("%s in parts of %d bytes: one has %d", c.Table, size, len(p))
				}
			}
			back, err := c.Load(reader(parts))
			if err != nil {
				t.Fatalf("%s in %d parts of %d bytes: %v", c.Table, len(parts), size, err)
			}
			if d := differ(value, back); d != "" {
				t.Fatalf("%s in %d parts of %d bytes: %s", c.Table, len(parts), size, d)
			}
			again, err := c.Save(back, size)
			if err != nil || !slices.EqualFunc(parts, again, bytes.Equal) {
				t.Fatalf("%s in parts of %d bytes: equal states have other parts, %v", c.Table, size, err)
			}
		}
	}
}

// reader hands out buffers, in memory that it then uses again.
func reader(list [][]byte) func() ([]byte, error) {
	var last []byte
	return func() ([]byte, error) {
		for i := range last {
			last[i] = 0xaa
		}
		if len(list) == 0 {
			return nil, io.EOF
		}
		last = bytes.Clone(list[0])
		list = list[1:]
		return last, nil
	}
}

// TestLargeAnywhere: wherever it stands, what is larger than a part travels in parts.
func TestLargeAnywhere(t *testing.T) {
	const bytesOf = 6*limits.Piece + 12345
	for about, s := range shapes.Large(bytesOf) {
		sizes, total := 0, 0
		var parts [][]byte
		err := lookup(t, "shapes.Shapes").Save(s, func(part []byte) error {
			sizes, total = max(sizes, len(part)), total+len(part)
			parts = append(parts, bytes.Clone(part))
			return nil
		})
		if err != nil || sizes > limits.Piece+8<<10 || total < bytesOf {
			t.Fatalf("%s: %d bytes in %d parts of at most %d bytes, %v", about, total, len(parts), sizes, err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		back, err := load1(t, "shapes.Shapes", parts...)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatalf("%s: %v", about, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > uint64(5*total) {
			t.Errorf("%s: %d bytes allocated for %d", about, got, total)
		}
		i := 0
		err = lookup(t, "shapes.Shapes").Save(back, func(part []byte) error {
			if !bytes.Equal(part, parts[i]) {
				return fmt.Errorf("part %d has come back otherwise", i)
			}
			i++
			return nil
		})
		if err != nil || i != len(parts) {
			t.Errorf("%s: %v, %d parts", about, err, i)
		}
	}
}

// FuzzLoad: no chunks, however they are cut, make a generated loader panic, hang or allocate out of proportion; and what
// it accepts it writes and reads again.
func FuzzLoad(f *testing.F) {
	r := rand.New(rand.NewPCG(13, 14))
	e, s := new(kinds.Everything), new(shapes.Shapes)
	fill(r, e, anything)
	fill(r, s, anything)
	f.Add(true, uint16(0), chunksOf(f, "kinds.Everything", e)[0])
	f.Add(false, uint16(0), chunksOf(f, "shapes.Shapes", s)[0])
	for _, size := range []int{16, 64, 256} {
		for i, c := range []coder.Coder{kinds.Coders[0], shapes.Coders[0]} {
			parts, err := c.Save([]any{e, s}[i], size)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(i == 0, uint16(len(parts[0])), slices.Concat(parts[:2]...))
		}
	}
	f.Fuzz(func(t *testing.T, which bool, cut uint16, buf []byte) {
		name := map[bool]string{true: "kinds.Everything", false: "shapes.Shapes"}[which]
		at := min(int(cut), len(buf))
		chunks := [][]byte{buf[:at:at], buf[at:]}
		if cut == 0 {
			chunks = chunks[1:]
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		value, err := load1(t, name, chunks...)
		runtime.ReadMemStats(&after)
		if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(64*len(buf)+1<<17); got > limit {
			t.Fatalf("%d bytes of input made %d bytes of allocations", len(buf), got)
		}
		if err != nil {
			return
		}
		back, err := load1(t, name, chunksOf(t, name, value)...)
		if err != nil {
			t.Fatalf("refused what it wrote: %v", err)
		}
		if d := differ(value, back); d != "" {
			t.Fatal(d)
		}
	})
}

// BenchmarkState measures a state of 8 MiB of numbers beside a copy of as much memory, and with DSSS_BIG_STATE set one of
// 3 GiB, for which the machine needs four times that.
func BenchmarkState(b *testing.B) {
	numbers := make([]float64, 1<<20)
	for i := range numbers {
		numbers[i] = float64(i)
	}
	into := make([]float64, len(numbers))
	b.Run("copy", func(b *testing.B) {
		b.SetBytes(int64(8 * len(numbers)))
		for b.Loop() {
			copy(into, numbers)
		}
	})
	b.Run("clone", func(b *testing.B) { // a copy into new memory, as what is loaded is
		b.SetBytes(int64(8 * len(numbers)))
		for b.Loop() {
			into = slices.Clone(numbers)
		}
	})
	state := kinds.OfNumbers(numbers)
	chunks := chunksOf(b, "kinds.Everything", state)
	b.Run("save", func(b *testing.B) {
		b.SetBytes(int64(8 * len(numbers)))
		for b.Loop() {
			if err := lookup(b, "kinds.Everything").Save(state, func([]byte) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("load", func(b *testing.B) {
		b.SetBytes(int64(8 * len(numbers)))
		for b.Loop() {
			if _, err := load1(b, "kinds.Everything", chunks...); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("3GiB", func(b *testing.B) {
		if os.Getenv("DSSS_BIG_STATE") == "" {
			b.Skip("SKIPPED: set DSSS_BIG_STATE=1 on a machine with 12 GiB to spare")
		}
		numbers := make([]float64, 3<<30/8)
		for i := range numbers {
			numbers[i] = float64(i)
		}
		b.Run("clone", func(b *testing.B) {
			b.SetBytes(int64(8 * len(numbers)))
			for b.Loop() {
				into = slices.Clone(numbers)
			}
		})
		b.Run("copy", func(b *testing.B) {
			b.SetBytes(int64(8 * len(numbers)))
			for b.Loop() {
				copy(into, numbers)
			}
			into = nil
		})
		b.Run("numbers", func(b *testing.B) { big(b, "kinds.Everything", kinds.OfNumbers(numbers)) })
		b.Run("matrix", func(b *testing.B) { big(b, "shapes.Shapes", shapes.OfNumbers(numbers)) })
		b.Run("map", func(b *testing.B) { big(b, "kinds.Everything", kinds.OfList(numbers)) })
	})
}

// big sends a state from Save to Load as it comes, each part in memory that is used again two parts later.
func big(b *testing.B, class string, state any) {
	c := lookup(b, class)
	for b.Loop() {
		chunks, failed := make(chan []byte), make(chan error, 1)
		go func() {
			defer close(chunks)
			var buffers [3][]byte
			i := 0
			failed <- c.Save(state, func(chunk []byte) error {
				i = (i + 1) % len(buffers)
				buffers[i] = append(buffers[i][:0], chunk...)
				chunks <- buffers[i]
				return nil
			})
		}()
		count, bytes := 0, 0
		var loading time.Duration // without waiting for the next part
		mark := time.Now()
		back, err := c.Load(func() ([]byte, error) {
			loading += time.Since(mark)
			defer func() { mark = time.Now() }()
			chunk, ok := <-chunks
			if !ok {
				return nil, io.EOF
			}
			count++
			bytes += len(chunk)
			return chunk, nil
		})
		loading += time.Since(mark)
		if err := errors.Join(err, <-failed); err != nil {
			b.Fatal(err)
		}
		if back == nil {
			b.Fatal("nothing came back")
		}
		b.SetBytes(int64(bytes))
		b.ReportMetric(float64(bytes)/1e6/loading.Seconds(), "load-MB/s")
		b.ReportMetric(float64(count), "parts")
	}
}
