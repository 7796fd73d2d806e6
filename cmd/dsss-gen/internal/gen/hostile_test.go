package gen

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dsss/class"
	"dsss/cmd/dsss-gen/internal/gen/testdata/calls"
	"dsss/cmd/dsss-gen/internal/gen/testdata/coder"
	"dsss/cmd/dsss-gen/internal/gen/testdata/counter"
	"dsss/cmd/dsss-gen/internal/gen/testdata/evolved"
	"dsss/cmd/dsss-gen/internal/gen/testdata/hosted"
	"dsss/cmd/dsss-gen/internal/gen/testdata/keys"
	"dsss/cmd/dsss-gen/internal/gen/testdata/kinds"
	"dsss/cmd/dsss-gen/internal/gen/testdata/merging"
	"dsss/cmd/dsss-gen/internal/gen/testdata/shapes"
	library "dsss/cmd/dsss-gen/internal/gen/testdata/twins"
	"dsss/flat"
	"dsss/test/hostile"
)

// everyCoder is the codecs of all cases, by package.
var everyCoder = map[string][]coder.Coder{
	"calls": calls.Coders, "counter": counter.Coders, "evolved": evolved.Coders, "keys": keys.Coders, "kinds": kinds.Coders,
	"hosted": slices.Concat(hosted.Coders, hosted.Rings), "library": library.Coders, "merging": merging.Coders, "shapes": slices.Concat(shapes.Coders, shapes.Queues),
}

// seedSizes are the parts in which the seeds of states are: one buffer, and more and more of them.
var seedSizes = []int{1 << 20, 400, 120, 40}

// seedBytes bounds one seed, in bytes: the corpus is committed.
const seedBytes = 1500

// seedsOf returns honest input for a codec: what the zero value and some random ones are encoded as. They are the same
// each time.
func seedsOf(t testing.TB, c coder.Coder) (seeds []hostile.Input) {
	t.Helper()
	r := rand.New(rand.NewPCG(17, 18))
	for i := 0; len(seeds) < 8; i++ {
		value := c.New()
		if i > 0 {
			fill(r, value, anything)
		}
		if len(c.Encode(value)) > seedBytes && i < 1000 {
			continue
		}
		if c.Save == nil {
			seeds = append(seeds, hostile.Input{c.Encode(value)})
			continue
		}
		parts, err := c.Save(value, seedSizes[len(seeds)%len(seedSizes)])
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, parts)
	}
	return seeds
}

// committedSeeds returns the corpus in testdata, which is what encoders wrote when it was committed: they must still.
func committedSeeds(t testing.TB, pkg string, c coder.Coder) []hostile.Input {
	t.Helper()
	name := filepath.Join("testdata", "seeds", pkg+"."+c.Table+".txt")
	var b strings.Builder
	for _, in := range seedsOf(t, c) {
		fmt.Fprintln(&b, in)
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != b.String() {
		t.Errorf("%s is not what is encoded now; if the wire form was to change, run the test with -update", name)
	}
	seeds, err := hostile.Parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return seeds
}

// readerOf is a codec as the harness tries it: a state as a stream of buffers, arguments both ways to decode them.
func readerOf(pkg string, c coder.Coder, seeds []hostile.Input) hostile.Reader {
	r := hostile.Reader{Name: pkg + "." + c.Table, Seeds: seeds, Refusal: flat.ErrMalformed, Times: 64}
	if c.Save != nil {
		r.Read = func(in hostile.Input) (func() (hostile.Input, error), error) {
			v, err := c.Load(reader(in))
			return func() (hostile.Input, error) {
				list, err := c.Save(v, seedSizes[1])
				return list, err
			}, err
		}
		return r
	}
	r.Read = func(in hostile.Input) (func() (hostile.Input, error), error) {
		buf := slices.Concat(in...)
		v, err := c.Decode(buf)
		general, generalErr := c.General(buf)
		if (err == nil) != (generalErr == nil) {
			panic(fmt.Sprintf("error %v, and %v the general way", err, generalErr))
		}
		return func() (hostile.Input, error) {
			once, err := c.Append(v)
			if other, otherErr := c.Append(general); err == nil && (otherErr != nil || !bytes.Equal(once, other)) {
				panic("the two ways to decode it disagree")
			}
			return hostile.Input{once}, err
		}, err
	}
	return r
}

// TestHostile tries the readers of all cases with input that is almost honest: 30,000 executions in all, or as many as
// DSSS_FUZZ_READERS says, with the seed DSSS_FUZZ_SEED; make fuzz-readers has it do so.
func TestHostile(t *testing.T) {
	var readers []hostile.Reader
	size := 0
	tables := map[string]bool{}
	for _, pkg := range slices.Sorted(maps.Keys(everyCoder)) {
		for _, c := range everyCoder[pkg] {
			seeds := committedSeeds(t, pkg, c)
			for _, in := range seeds {
				size += 2 * len(slices.Concat(in...))
			}
			readers = append(readers, readerOf(pkg, c, seeds))
			tables[c.Table] = true
		}
	}
	if size > 300<<10 {
		t.Errorf("the corpus has %d bytes", size)
	}
	for _, k := range class.All() {
		for _, m := range k.Methods() {
			_, name, _ := strings.Cut(k.Name, ".")
			if m.Schema != "" && !tables[upperFirst(name)+m.Name+"Args"] {
				t.Errorf("%s.%s is not tried: it needs a line in Coders", k.Name, m.Name)
			}
		}
	}
	n, seed := hostile.Wanted(t, 30_000)
	began := time.Now()
	counts := hostile.Try(t, seed, n, readers)
	t.Logf("seed %d, %v\n%s", seed, time.Since(began).Round(time.Second), hostile.Table(counts))
}
