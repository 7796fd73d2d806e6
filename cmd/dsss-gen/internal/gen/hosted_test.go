package gen

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"dsss/class"
	"dsss/cmd/dsss-gen/internal/gen/testdata/hosted"
	"dsss/flat"
)

// TestHostedCalls: what mutators and getters return through the codecs is what they return by themselves, and so is what
// they leave.
func TestHostedCalls(t *testing.T) {
	far, near := new(hosted.Depot), new(hosted.Depot)
	failed := 0
	for _, s := range hosted.Steps() {
		got, err := s.Far(far)
		want, wantErr := s.Near(near)
		switch {
		case wantErr != nil:
			failed++
			remote, ok := err.(class.RemoteError)
			if !ok || remote.Error() != wantErr.Error() || !reflect.ValueOf(got).IsZero() {
				t.Errorf("%s: %v with error %v, want %v", s.About, got, err, wantErr)
			}
		case err != nil || !reflect.DeepEqual(got, want):
			t.Errorf("%s: %#v with error %v, want %#v", s.About, got, err, want)
		}
		if !bytes.Equal(save(t, "depots.Depot", far), save(t, "depots.Depot", near)) {
			t.Fatalf("%s leaves another state", s.About)
		}
	}
	if failed != 6 {
		t.Errorf("%d steps have errors", failed)
	}
}

// TestHostedEncode: a result that cannot be written is the call's error, which names the method and the field; the mutator
// has run.
func TestHostedEncode(t *testing.T) {
	d := new(hosted.Depot)
	for want, f := range map[string]func(*hosted.Depot) error{
		"depots.Depot.Chain: result: r0.Next.Next.Next.… cannot be encoded": hosted.Chain,
		"depots.Depot.Loop: result: r0.Next.Next.Next.… cannot be encoded":  hosted.Loop,
	} {
		if err := f(d); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if hosted.TicksOf(d) != 1 {
		t.Errorf("Chain has run %d times", hosted.TicksOf(d))
	}
	reply := &class.Reply{Data: []byte("12345678")}
	lookup(t, "depots.Depot").Method(7).Apply(class.Order{}, d, nil, reply)
	if !errors.Is(reply.Err, flat.ErrEncode) || string(reply.Data) != "12345678" {
		t.Errorf("the reply is %q, %v", reply.Data, reply.Err)
	}
}

// TestHostedInstances: an instance of a generic class is hosted by itself.
func TestHostedInstances(t *testing.T) {
	parts, ints := hosted.NewRings()
	p := hosted.Part{Name: "bolt", Tags: []string{"x"}}
	if got, err := hosted.PushPart(parts, p); err != nil || !reflect.DeepEqual(got, []hosted.Part{p}) {
		t.Errorf("Push returned %v, %v", got, err)
	}
	if got, err := hosted.LastParts(parts, 1); err != nil || !reflect.DeepEqual(got, []hosted.Part{p}) {
		t.Errorf("Last returned %v, %v", got, err)
	}
	if got, err := hosted.LastParts(parts, 2); got != nil || err != class.RemoteError("there are 1") {
		t.Errorf("Last returned %v, %v", got, err)
	}
	if _, err := hosted.PushInt(ints, 1); err == nil || !strings.Contains(err.Error(), "hosted.intRing.Push: its class does not say how the result travels") {
		t.Errorf("of a class that is not hosted: %v", err)
	}
	if lookup(t, "hosted.intRing").Query(1) != nil {
		t.Error("a class that is not hosted has queries")
	}
}

// TestHostedWithoutCopy: the proxy has nothing that needs a copy, so that a program that wants it does not compile; and
// nothing that merges.
func TestHostedWithoutCopy(t *testing.T) {
	shared, far := hosted.Proxies()
	for _, name := range []string{"View", "Await", "PostTick"} {
		if _, ok := reflect.TypeOf(shared).MethodByName(name); !ok {
			t.Errorf("the shared proxy has no %s", name)
		}
		if _, ok := reflect.TypeOf(far).MethodByName(name); ok {
			t.Errorf("the hosted proxy has %s", name)
		}
	}
}

// TestHostedRoundTrip sends random results and questions through their codecs.
func TestHostedRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for _, c := range hosted.Coders {
		for range 100 {
			value := c.New()
			fill(r, value, anything)
			buf := c.Encode(value)
			back, err := c.Decode(buf)
			if err != nil {
				t.Fatalf("%s: %v", c.Table, err)
			}
			if !bytes.Equal(buf, c.Encode(back)) {
				t.Fatalf("%s: equal values are written as different bytes", c.Table)
			}
			if d := differ(value, back); d != "" {
				t.Fatalf("%s: %s", c.Table, d)
			}
		}
		for _, bad := range [][]byte{nil, {1}, bytes.Repeat([]byte{0x7f}, 100)} {
			if _, err := c.Decode(bad); !errors.Is(err, flat.ErrMalformed) {
				t.Errorf("%s of %x: error %v", c.Table, bad, err)
			}
		}
	}
}

// TestHostedIsNoneOfTheLock: the directive changes no ids, nor the wire form of state and arguments.
func TestHostedIsNoneOfTheLock(t *testing.T) {
	const source = `
type P struct { q float32 }
type T struct { a map[string]int }
//dsss:mutator
func (t *T) Set(x int) (map[string]P, error) { return nil, nil }
func (t *T) Get(p P) (P, []P) { return p, nil }
`
	without, schema := generate(t, newPackage(t), source)
	dir := newPackage(t)
	with, hostedSchema := generate(t, dir, strings.Replace(source, "type T", "//dsss:hosted\ntype T", 1))
	if with != without {
		t.Errorf("the lock is\n%swant\n%s", with, without)
	}
	tables := schema[strings.Index(schema, "namespace"):strings.Index(schema, "root_type")]
	if !strings.Contains(hostedSchema, strings.TrimSpace(tables)) || !strings.Contains(hostedSchema, "q:float (id: 0)") {
		t.Errorf("the schema is\n%s", hostedSchema)
	}
	checkSchema(t, dir+"/t.fbs", hostedSchema)
}
