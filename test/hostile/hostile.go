// Package hostile tests readers of untrusted bytes with input that is almost honest: what an encoder wrote, with bits
// turned around, words replaced by offsets, counts and negative numbers, buffers cut, spliced, repeated and left out. It is
// seeded: the same seed makes the same input.
//
// It is for tests. A Go fuzzer finds its way by coverage and pays for it with three quarters of its time; here a billion
// executions fit a day, and what is at stake in a format of offsets is known.
package hostile

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// An Input is what a reader is given: one buffer, or for those of streams several.
type Input [][]byte

// String is one line: the buffers in hexadecimal, with spaces between them.
func (in Input) String() string {
	list := make([]string, len(in))
	for i, buf := range in {
		list[i] = "-" // an empty buffer
		if len(buf) > 0 {
			list[i] = hex.EncodeToString(buf)
		}
	}
	return strings.Join(list, " ")
}

// Parse returns the Inputs of a file, which has one in each line as String writes it.
func Parse(text string) ([]Input, error) {
	var list []Input
	for line := range strings.Lines(text) {
		var in Input
		for _, word := range strings.Fields(line) {
			buf, err := hex.DecodeString(strings.TrimPrefix(word, "-"))
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", len(list)+1, err)
			}
			in = append(in, buf)
		}
		list = append(list, in)
	}
	return list, nil
}

func (in Input) len() (n int) {
	for _, buf := range in {
		n += len(buf)
	}
	return n
}

// A Reader is what is tried.
type Reader struct {
	Name  string
	Seeds []Input // honest
	// Read reads in, which it may neither keep nor change. When it accepts it, again encodes what was read; it is nil for
	// a reader of what nobody encodes.
	Read func(in Input) (again func() (Input, error), err error)
	// Refusal is what every error of Read wraps.
	Refusal error
	// Times is how many bytes may be allocated for one that is read, apart from allowance. It is the size in memory of
	// the widest element, over the fewest bytes that stand for one.
	Times int
}

const (
	// allowance is what reading may allocate whatever is read: the value itself, and what the runtime does meanwhile.
	allowance = 16 << 10
	// sampled is how many executions there are for one of which the allocations are counted.
	sampled = 256
	// patience is how long one execution may take.
	patience = 30 * time.Second
)

// A Count says what became of the executions of one reader.
type Count struct {
	Name                          string
	Executions, Accepted, Refused int
}

// Try has each reader read n/len(readers) inputs, rounded up, and returns the counts. It reports the first input for which a
// reader panics, takes too long, allocates too much, refuses its own encoding or does not encode it as before, refuses
// a seed, or gives another error than its Refusal; and goes on with the next reader.
func Try(t testing.TB, seed uint64, n int, readers []Reader) []Count {
	t.Helper()
	counts := make([]Count, len(readers))
	for i, r := range readers {
		tr := &trial{Reader: r, mutator: newMutator(seed+uint64(i), r.Seeds)}
		stop := tr.watch()
		if err := tr.run((n + len(readers) - 1) / len(readers)); err != nil {
			t.Errorf("%s: %v\ninput %v", r.Name, err, tr.in)
		}
		stop()
		counts[i] = tr.count
		counts[i].Name = r.Name
	}
	return counts
}

// Wanted returns how many executions to make, and with what seed: n and 1, unless the environment says otherwise.
func Wanted(t testing.TB, n int) (executions int, seed uint64) {
	t.Helper()
	seed = 1
	for name, to := range map[string]func(string) error{
		"DSSS_FUZZ_READERS": func(text string) (err error) { n, err = strconv.Atoi(text); return err },
		"DSSS_FUZZ_SEED":    func(text string) (err error) { seed, err = strconv.ParseUint(text, 10, 64); return err },
	} {
		if text := os.Getenv(name); text != "" {
			if err := to(text); err != nil {
				t.Fatalf("%s=%s: %v", name, text, err)
			}
		}
	}
	return n, seed
}

// A trial is one reader being tried.
type trial struct {
	Reader
	mutator *mutator
	in      Input
	count   Count
	done    atomic.Int64
}

// watch ends the process when one execution takes too long: nothing else stops a loop.
func (tr *trial) watch() (stop func()) {
	ended, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(patience)
		defer tick.Stop()
		for last := int64(-1); ; last = tr.done.Load() {
			select {
			case <-ended:
				return
			case <-tick.C:
				if tr.done.Load() == last {
					panic(fmt.Sprintf("%s hangs: %v", tr.Name, tr.in))
				}
			}
		}
	}()
	return func() { close(ended); <-gone }
}

func (tr *trial) run(n int) error {
	for _, tr.in = range tr.Seeds {
		again, err := tr.read()
		if err != nil {
			return fmt.Errorf("a seed is refused: %w", err)
		}
		if err := tr.stable(again); err != nil {
			return err
		}
	}
	for i := range n {
		tr.in = tr.mutator.next()
		if err := tr.one(i%sampled == 0); err != nil {
			return err
		}
		tr.done.Add(1)
	}
	return nil
}

// one reads one input.
func (tr *trial) one(counted bool) error {
	var before, after runtime.MemStats
	if counted {
		runtime.ReadMemStats(&before)
	}
	again, err := tr.read()
	if counted {
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > uint64(tr.Times*tr.in.len()+allowance) {
			return fmt.Errorf("%d bytes made %d bytes of allocations", tr.in.len(), got)
		}
	}
	tr.count.Executions++
	switch {
	case err == nil:
		tr.count.Accepted++
		return tr.stable(again)
	case !errors.Is(err, tr.Refusal):
		return fmt.Errorf("error %w is not %v", err, tr.Refusal)
	}
	tr.count.Refused++
	return nil
}

// read is Read, with a panic as an error that is no refusal.
func (tr *trial) read() (again func() (Input, error), err error) {
	defer caught(&err)
	return tr.Read(tr.in)
}

func caught(err *error) {
	if r := recover(); r != nil {
		stack := make([]byte, 4<<10)
		*err = fmt.Errorf("panic: %v\n%s", r, stack[:runtime.Stack(stack, false)])
	}
}

// stable checks that what was read is accepted when it is encoded, and then encoded as the same bytes.
func (tr *trial) stable(again func() (Input, error)) (err error) {
	if again == nil {
		return nil
	}
	defer caught(&err)
	once, err := again()
	if err != nil {
		return fmt.Errorf("what was read cannot be encoded: %w", err)
	}
	again, err = tr.Read(once)
	if err != nil {
		return fmt.Errorf("its own encoding is refused: %w\nencoding %v", err, once)
	}
	twice, err := again()
	if err != nil {
		return fmt.Errorf("what was read cannot be encoded a second time: %w", err)
	}
	if !slices.EqualFunc(once, twice, bytes.Equal) {
		return fmt.Errorf("encoded otherwise a second time:\nfirst %v\nsecond %v", once, twice)
	}
	return nil
}

// Table is the counts as lines of a table, with their sum.
func Table(counts []Count) string {
	var b strings.Builder
	sum := Count{Name: "all"}
	fmt.Fprintf(&b, "%-36s %12s %12s %12s\n", "reader", "executions", "accepted", "refused")
	for _, c := range counts {
		fmt.Fprintf(&b, "%-36s %12d %12d %12d\n", c.Name, c.Executions, c.Accepted, c.Refused)
		sum.Executions += c.Executions
		sum.Accepted += c.Accepted
		sum.Refused += c.Refused
	}
	fmt.Fprintf(&b, "%-36s %12d %12d %12d\n", sum.Name, sum.Executions, sum.Accepted, sum.Refused)
	return b.String()
}

// newMutator returns one whose inputs come from seeds.
func newMutator(seed uint64, seeds []Input) *mutator {
	return &mutator{r: rand.New(rand.NewPCG(seed, 0x64737373)), seeds: seeds}
}
