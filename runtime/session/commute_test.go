package session

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dsss/comm"
)

// The mutators of a model: tick and bin commute with everything; add merges with its neighbours alone, because show and
// double see its sum.
const (
	tick = iota + 1
	bin
	add
	show
	double
)

// A modelCall is one call, whose arguments are text, so that merging changes how long they are.
type modelCall struct {
	object, method uint32
	name           string
	n              int
}

func (c *modelCall) Absorb(later any) bool {
	l := later.(*modelCall)
	if l.name != c.name {
		return false
	}
	c.n += l.n
	return true
}

func (c *modelCall) Append(dst []byte) ([]byte, error) {
	return fmt.Appendf(dst, "%s %d", c.name, c.n), nil
}

func (c *modelCall) Commutes() bool { return c.method == tick || c.method == bin }

// A model is the state of one object.
type model struct {
	ticks, sum int
	bins       map[string]int
	shown      []int
}

func apply(state map[uint32]*model, object, method uint32, name string, n int) {
	m := state[object]
	if m == nil {
		m = &model{bins: map[string]int{}}
		state[object] = m
	}
	switch method {
	case tick:
		m.ticks += n
	case bin:
		m.bins[name] += n
	case add:
		m.sum += n
	case show:
		m.shown = append(m.shown, m.sum)
	case double:
		m.sum = m.sum * 2 % 1_000_003
	}
}

// submit hands calls to a session that nothing is written for, and returns the calls that its batches have.
func submit(t *testing.T, calls []modelCall) (sent []modelCall) {
	t.Helper()
	s := New(Config{}, 1)
	for _, c := range calls {
		var err error
		if c.method == show || c.method == double {
			err = s.Submit(t.Context(), c.object, c.method, []byte("x 0"), nil, false)
		} else {
			err = s.Merge(t.Context(), c.object, c.method, &c, nil, false)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	size, request := 0, uint64(1)
	for _, b := range s.out.queue {
		size += len(b.frame) - comm.EmptyBatch
		s.out.close(b)
		batch, err := comm.ParseBatch(b.frame[comm.HeaderSize:])
		if err != nil || batch.Request != request || int(batch.Count) != len(b.futures) {
			t.Fatalf("a batch of %d calls from %d, of which there are %d from %d: %v", batch.Count, batch.Request, len(b.futures), request, err)
		}
		request += uint64(batch.Count)
		for range batch.Count {
			object, method, args, ok := batch.Calls.Next()
			name, number, _ := strings.Cut(string(args), " ")
			n, err := strconv.Atoi(number)
			if !ok || err != nil {
				t.Fatalf("call %q: %v", args, err)
			}
			sent = append(sent, modelCall{object, method, name, n})
		}
	}
	if size != s.out.streams[0].bytes || len(sent) != s.out.streams[0].flight {
		t.Errorf("batches of %d bytes and %d calls are taken for %d bytes and %d calls", size, len(sent), s.out.streams[0].bytes, s.out.streams[0].flight)
	}
	return sent
}

// TestMergePastOthers: whatever merges past what, the state in the end, and what was seen of it on the way by calls that do
// not commute, is that of the calls one by one. Each of 300 histories is of its own seed.
func TestMergePastOthers(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		kinds := 1 + r.IntN(double)
		calls := make([]modelCall, 1+r.IntN(6000))
		for i := range calls {
			calls[i] = modelCall{uint32(1 + r.IntN(2)), uint32(1 + r.IntN(kinds)), "x", 1 + r.IntN(1<<r.IntN(30))}
			if calls[i].method == bin {
				calls[i].name = strings.Repeat("b", 1+r.IntN(1+r.IntN(90)))
			}
		}
		want, got := map[uint32]*model{}, map[uint32]*model{}
		for _, c := range calls {
			apply(want, c.object, c.method, c.name, c.n)
		}
		sent := submit(t, calls)
		for _, c := range sent {
			apply(got, c.object, c.method, c.name, c.n)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %d calls, merged to %d, make another state", seed, len(calls), len(sent))
		}
		if fixed := onlyFixed(calls); !slices.Equal(fixed, onlyFixed(sent)) {
			t.Fatalf("seed %d: calls that cannot merge are in another order", seed)
		}
	}
}

// onlyFixed are the calls that do not merge.
func onlyFixed(calls []modelCall) (fixed []modelCall) {
	for _, c := range calls {
		if c.method == show || c.method == double {
			fixed = append(fixed, modelCall{c.object, c.method, "", 0})
		}
	}
	return fixed
}

// TestMutationsOfTwoInTurn: how many calls are sent of 1000 in turn.
func TestMutationsOfTwoInTurn(t *testing.T) {
	for about, c := range map[string]struct {
		turn []modelCall
		want int
	}{
		"alone, one that merges with neighbours":      {[]modelCall{{1, add, "x", 1}}, 1},
		"two that commute":                            {[]modelCall{{1, tick, "x", 1}, {1, bin, "x", 1}}, 2},
		"on two objects":                              {[]modelCall{{1, tick, "x", 1}, {2, tick, "x", 1}}, 2},
		"one that commutes":                           {[]modelCall{{1, tick, "x", 1}, {1, add, "x", 1}}, 2},
		"two that merge with neighbours alone":        {[]modelCall{{1, add, "x", 1}, {2, add, "x", 1}}, 1000},
		"one that commutes and one that never merges": {[]modelCall{{1, tick, "x", 1}, {1, show, "x", 0}}, 501},
		"neighbours around one that never merges":     {[]modelCall{{1, add, "x", 1}, {1, show, "x", 0}}, 1000},
		"neighbours with one between two":             {[]modelCall{{1, add, "x", 1}, {1, tick, "x", 1}, {1, add, "x", 1}, {1, show, "x", 0}}, 1 + 250*2},
	} {
		var calls []modelCall
		for i := range 1000 {
			calls = append(calls, c.turn[i%len(c.turn)])
		}
		if sent := submit(t, calls); len(sent) != c.want {
			t.Errorf("%s: %d calls are sent, want %d", about, len(sent), c.want)
		}
	}
}
