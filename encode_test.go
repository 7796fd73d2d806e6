package dsss_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"dsss"
	"dsss/class"
	"dsss/flat"
)

// Chain is shared in the tests of what cannot be encoded.
type Chain struct{ first *link }

type link struct {
	n    int64
	next *link
}

func buildLink(b *flat.Builder, v link) flat.Offset {
	if !b.Enter() {
		return 0
	}
	b.Field("next")
	next := flat.CreatePointer(b, v.next, buildLink)
	b.StartObject(2)
	flat.PutNumber(b, 0, v.n)
	flat.PutOffset(b, 1, next)
	return b.Leave()
}

func readLink(t flat.Table) link {
	return link{flat.ReadNumber[int64](t, 0), flat.ReadPointer(t, 1, readLink)}
}

func buildChain(b *flat.Builder, v Chain) flat.Offset {
	if !b.Enter() {
		return 0
	}
	b.Field("first")
	first := flat.CreatePointer(b, v.first, buildLink)
	b.StartObject(1)
	flat.PutOffset(b, 0, first)
	return b.Leave()
}

func readChain(t flat.Table) Chain { return Chain{flat.ReadPointer(t, 0, readLink)} }

var chainClass = class.New("dsss_test.Chain", class.StateCodec[Chain]{
	Schema: "table Link { n:long; next:Link; } table Chain { first:Link; }",
	Save:   func(c *Chain, emit func([]byte) error) error { return flat.Save(emit, *c, buildChain) },
	Load: func(c *Chain, next func() ([]byte, error)) (err error) {
		*c, err = flat.Load(next, readChain)
		return err
	},
})

var chainCodec = class.Codec[Chain]{
	Schema: "table Link { n:long; next:Link; } table Chain { first:Link; }",
	Append: func(dst []byte, c Chain) ([]byte, error) { return flat.Append(dst, c, buildChain) },
	Read: func(buf []byte) (Chain, error) {
		check := flat.New(buf)
		c := readChain(check.Root())
		return c, check.Err()
	},
}

var chainSet = class.NewMutator(chainClass, 1, "Set", chainCodec,
	func(_ class.Order, c *Chain, to Chain) (int64, error) { *c = to; return c.first.n, nil })

var chainPut = class.NewMutator(chainClass, 2, "Put", chainCodec,
	func(_ class.Order, c *Chain, to Chain) (struct{}, error) { *c = to; return struct{}{}, nil }).
	Combine(func(into *Chain, c Chain) bool { *into = c; return true })

// chainTie makes the state one that contains itself.
var chainTie = class.NewMutator(chainClass, 3, "Tie", class.Codec[struct{}]{},
	func(_ class.Order, c *Chain, _ struct{}) (struct{}, error) {
		c.first.next = c.first
		return struct{}{}, nil
	})

// TestArgumentsThatCannotBeEncoded: such a call returns an error that names the mutator and the argument; nothing of it is
// sent, and the calls around it are as if it had not been.
func TestArgumentsThatCannotBeEncoded(t *testing.T) {
	job, hits := join(t, dsss.Config{Name: t.Name(), StateDir: filepath.Join(t.TempDir(), "state")})
	defer job.Close()
	o, err := dsss.Open(t.Context(), job, chainClass, "chain")
	if err != nil {
		t.Fatal(err)
	}
	ring := &link{n: 7}
	ring.next = ring
	check := func(about, mutator string, err error) {
		t.Helper()
		want := "dsss: " + mutator + " of chain: never sent, not applied: arguments: first.next.next.next.… cannot be encoded: values refer to each other"
		if !errors.Is(err, dsss.ErrEncode) || !errors.Is(err, dsss.ErrNotApplied) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", about, err, want)
		}
	}
	before, err := job.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const n = 1000
	var futures []*dsss.Future[int64]
	for i := range n {
		futures = append(futures, dsss.Go(t.Context(), hits, counterAdd, 1))
		switch i % 4 {
		case 0:
			_, err := dsss.Call(t.Context(), o, chainSet, Chain{ring})
			check("Call", "Set", err)
		case 1:
			_, err := dsss.Go(t.Context(), o, chainSet, Chain{ring}).Wait(t.Context())
			check("Go", "Set", err)
		case 2:
			check("Post", "Put", dsss.Post(t.Context(), o, chainPut, Chain{ring}))
		case 3:
			_, err := dsss.Call(t.Context(), o, chainPut, Chain{ring})
			check("Call", "Put", err)
		}
	}
	for i, f := range futures {
		if got, err := f.Wait(t.Context()); err != nil || got != int64(i)+1 {
			t.Fatalf("call %d beside those: %d, %v", i, got, err)
		}
	}
	after, err := job.Stats(t.Context())
	if err != nil || after.Head-before.Head != n {
		t.Errorf("%d mutations were ordered, want %d (%v)", after.Head-before.Head, n, err)
	}
	if got, err := dsss.Call(t.Context(), o, chainSet, Chain{&link{n: 3}}); got != 3 || err != nil {
		t.Errorf("a chain without a cycle: %d, %v", got, err)
	}
}

// TestStateThatCannotBeEncoded: the checkpoint is an error that names the object and the field; the job goes on, and
// checkpoints are written again when the state can be.
func TestStateThatCannotBeEncoded(t *testing.T) {
	job, hits := join(t, dsss.Config{Name: t.Name(), StateDir: filepath.Join(t.TempDir(), "state")})
	defer job.Close()
	o, err := dsss.Open(t.Context(), job, chainClass, "chain")
	if err != nil {
		t.Fatal(err)
	}
	set := func() {
		t.Helper()
		if _, err := dsss.Call(t.Context(), o, chainSet, Chain{&link{n: 1}}); err != nil {
			t.Fatal(err)
		}
	}
	set()
	if _, err := dsss.Call(t.Context(), o, chainTie, struct{}{}); err != nil {
		t.Fatal(err)
	}
	const want = "the state of chain: first.next.next.next.… cannot be encoded"
	if _, err := job.Checkpoint(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Checkpoint: %v, want %q", err, want)
	}
	if _, err := dsss.Call(t.Context(), hits, counterAdd, 1); err != nil {
		t.Fatal(err)
	}
	set()
	if _, err := job.Checkpoint(t.Context()); err != nil {
		t.Errorf("Checkpoint of what can be encoded: %v", err)
	}
}
