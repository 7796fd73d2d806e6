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

	"dsss/cmd/dsss-gen/internal/gen/testdata/kinds"
	"dsss/cmd/dsss-gen/internal/gen/testdata/shapes"
	"dsss/comm/flat"
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

	words := slices.IndexFunc(chunks[1:], func(c []byte) bool {
		check := flat.New(c)
		return check.Root().Has(kinds.WordsID)
	}) + 1

	// No chunk may be missing at the front, repeated, or put where it continues nothing.
	for about, bad := range map[string][][]byte{
		"no first chunk":        chunks[1:],
		"the first chunk twice": slices.Concat(chunks[:1], chunks),
		"a map's chunk twice":   slices.Concat(chunks, chunks[words:words+1]),
		"a chunk of another":    slices.Concat(chunksOf(t, "kinds.Everything", new(kinds.Everything)), chunks[1:]),
		"half a chunk":          slices.Concat(chunks[:1], [][]byte{chunks[1][:len(chunks[1])/2]}),
		"junk":                  slices.Concat(chunks[:1], [][]byte{{1, 2, 3}}),
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

// FuzzLoad: no chunks, however they are cut, make a generated loader panic, hang or allocate out of proportion; and what
// it accepts it writes and reads again.
func FuzzLoad(f *testing.F) {
	r := rand.New(rand.NewPCG(13, 14))
	e, s := new(kinds.Everything), new(shapes.Shapes)
	fill(r, e, anything)
	fill(r, s, anything)
	f.Add(true, uint16(0), chunksOf(f, "kinds.Everything", e)[0])
	f.Add(false, uint16(0), chunksOf(f, "shapes.Shapes", s)[0])
	first := chunksOf(f, "kinds.Everything", kinds.Large(1, false))[0]
	f.Add(true, uint16(len(first)), slices.Concat(first, kinds.MoreInts(1, 2, 3)))
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
// 3 GiB, for which the machine needs three times that.
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
			b.Skip("SKIPPED: set DSSS_BIG_STATE=1 on a machine with 10 GiB to spare")
		}
		big(b)
	})
}

// big sends a state of 3 GiB from Save to Load as it comes.
func big(b *testing.B) {
	state := kinds.OfNumbers(make([]float64, 3<<30/8))
	c := lookup(b, "kinds.Everything")
	chunks, failed := make(chan []byte), make(chan error, 1)
	start := time.Now()
	go func() {
		defer close(chunks)
		failed <- c.Save(state, func(chunk []byte) error {
			chunks <- bytes.Clone(chunk)
			return nil
		})
	}()
	count := 0
	back, err := c.Load(func() ([]byte, error) {
		chunk, ok := <-chunks
		if !ok {
			return nil, io.EOF
		}
		count++
		return chunk, nil
	})
	if err := errors.Join(err, <-failed); err != nil {
		b.Fatal(err)
	}
	if n := kinds.Numbers(back.(*kinds.Everything)); n != 3<<30/8 {
		b.Fatal(fmt.Sprint(n, " numbers came back"))
	}
	b.ReportMetric(3/time.Since(start).Seconds(), "GiB/s")
	b.ReportMetric(float64(count), "chunks")
}
