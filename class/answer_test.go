package class_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"dsss/class"
	"dsss/flat"
)

// Pot is what the tests of hosted calls are about.
type Pot struct{ coins int64 }

var (
	errShort = errors.New("too few coins")
	errRange = errors.New("out of range")
)

// coinCodec writes numbers as 8 bytes; below zero they cannot be written.
var coinCodec = class.Codec[int64]{
	Append: func(dst []byte, n int64) ([]byte, error) {
		if n < 0 {
			return dst, errRange
		}
		return binary.LittleEndian.AppendUint64(dst, uint64(n)), nil
	},
	Read: func(buf []byte) (int64, error) {
		if len(buf) != 8 {
			return -1, flat.ErrMalformed
		}
		return int64(binary.LittleEndian.Uint64(buf)), nil
	},
}

var (
	potClass = class.New("class_test.Pot", class.StateCodec[Pot]{Save: func(*Pot, func([]byte) error) error { return nil }})

	potTake = class.NewMutator(potClass, 1, "Take", coinCodec, func(_ class.Order, p *Pot, n int64) (int64, error) {
		switch {
		case n == 666:
			return 0, errors.New("")
		case n > p.coins:
			return 0, fmt.Errorf("%w: %d", errShort, p.coins)
		}
		p.coins -= n
		return p.coins, nil
	}).Returns(coinCodec)
	potOwe = class.NewMutator(potClass, 2, "Owe", coinCodec, func(_ class.Order, p *Pot, n int64) (int64, error) {
		p.coins -= n
		return p.coins, nil
	}).Returns(coinCodec)
	potPut = class.NewMutator(potClass, 3, "Put", coinCodec, func(_ class.Order, p *Pot, n int64) (struct{}, error) {
		p.coins += n
		return struct{}{}, nil
	}).Combine(func(into *int64, n int64) bool { *into += n; return true })
	potMute = class.NewMutator(potClass, 4, "Mute", class.Codec[struct{}]{}, func(class.Order, *Pot, struct{}) (int64, error) { return 1, nil })

	potOver = class.NewGetter(potClass, 1, "Over", coinCodec, coinCodec, func(p *Pot, n int64) (int64, error) {
		if n > p.coins {
			return 0, errShort
		}
		return p.coins - n, nil
	})
	potCheck = class.NewGetter(potClass, 2, "Check", class.Codec[struct{}]{}, class.Codec[struct{}]{}, func(p *Pot, _ struct{}) (struct{}, error) {
		if p.coins < 0 {
			return struct{}{}, errRange
		}
		return struct{}{}, nil
	})
)

// hosted runs a mutator as a host does, behind what the reply has already, and gives the outcome to the caller's side.
func hosted[A, R any](t *testing.T, p *Pot, m *class.Mutator[Pot, A, R], a A) (R, error) {
	t.Helper()
	args, err := m.Append(nil, a)
	if err != nil {
		t.Fatal(err)
	}
	before := []byte("12345678")
	reply := &class.Reply{Data: bytes.Clone(before)}
	m.Method().Apply(class.Order{Seq: 7}, p, args, reply)
	if !bytes.HasPrefix(reply.Data, before) || reply.Err != nil && len(reply.Data) != len(before) {
		t.Errorf("the reply is %x, %v", reply.Data, reply.Err)
	}
	failed := ""
	if reply.Err != nil {
		failed = reply.Err.Error()
	}
	var outcome class.Outcome[R]
	to := receiving(m, &outcome)
	to.Receive(reply.Data[len(before):], failed)
	to.Resolve(7)
	r, seq, err := outcome.Get()
	if seq != 7 || !outcome.Resolved() {
		t.Errorf("sequence number %d", seq)
	}
	return r, err
}

// TestHostedMutators: results and errors get from the host to the caller.
func TestHostedMutators(t *testing.T) {
	p := &Pot{coins: 10}
	if n, err := hosted(t, p, potTake, 3); n != 7 || err != nil {
		t.Errorf("Take returned %d, %v", n, err)
	}
	n, err := hosted(t, p, potTake, 30)
	remote, ok := err.(class.RemoteError)
	if n != 0 || !ok || remote.Error() != "too few coins: 7" || errors.Is(err, errShort) || !errors.Is(err, class.RemoteError("too few coins: 7")) {
		t.Errorf("Take returned %d, %v", n, err)
	}
	if _, err := hosted(t, p, potTake, 666); err == nil || err.Error() != "an error without a text" {
		t.Errorf("an error without a text is %v", err)
	}
	if _, err := hosted(t, p, potPut, 5); err != nil || p.coins != 12 {
		t.Errorf("Put returned %v, and left %d", err, p.coins)
	}
	if _, err := hosted(t, p, potOwe, 20); err == nil || err.Error() != "class_test.Pot.Owe: result: out of range" || p.coins != -8 {
		t.Errorf("a result that cannot be encoded: %v, and left %d", err, p.coins)
	}
	if _, err := hosted(t, p, potMute, struct{}{}); err == nil || !strings.Contains(err.Error(), "class_test.Pot.Mute: its class does not say how the result travels") {
		t.Errorf("a result without a codec: %v", err)
	}
}

// TestReplyWraps: on the host the reasons are still what they were.
func TestReplyWraps(t *testing.T) {
	reply := &class.Reply{}
	args, _ := coinCodec.Append(nil, 1)
	potOwe.Method().Apply(class.Order{}, &Pot{}, args, reply)
	if !errors.Is(reply.Err, errRange) || reply.Data != nil {
		t.Errorf("reply %v, %v", reply.Data, reply.Err)
	}
	potOwe.Method().Apply(class.Order{}, &Pot{}, args[:3], reply)
	if !errors.Is(reply.Err, flat.ErrMalformed) || !strings.HasPrefix(reply.Err.Error(), "class_test.Pot.Owe: arguments: ") {
		t.Errorf("malformed arguments: %v", reply.Err)
	}
}

// TestHostileResults: what a host should not say is the call's error.
func TestHostileResults(t *testing.T) {
	receive := func(about string, to class.Receiver, get func() (any, error), data []byte, want string) {
		to.Receive(data, "")
		to.Resolve(1)
		if r, err := get(); err == nil || !strings.Contains(err.Error(), want) || fmt.Sprint(r) != "0" && fmt.Sprint(r) != "{}" {
			t.Errorf("%s: %v, %v", about, r, err)
		}
	}
	var n, m class.Outcome[int64]
	var none class.Outcome[struct{}]
	receive("a short result", receiving(potTake, &n), func() (any, error) { r, _, err := n.Get(); return r, err }, []byte{1}, "class_test.Pot.Take: result: malformed")
	receive("a result of none", receiving(potPut, &none), func() (any, error) { r, _, err := none.Get(); return r, err }, []byte{1}, "1 bytes where there is no result")
	receive("a result that nothing reads", receiving(potMute, &m), func() (any, error) { r, _, err := m.Get(); return r, err }, nil, "does not say how")
	if r, err := potOver.Decode(nil); r != 0 || !errors.Is(err, flat.ErrMalformed) {
		t.Errorf("a getter's: %d, %v", r, err)
	}
	if _, err := potCheck.Decode([]byte{1}); err == nil {
		t.Error("a result of a getter that has none is taken")
	}
}

// TestQueries: getters are found by their ids and answer like mutators.
func TestQueries(t *testing.T) {
	c := class.Lookup("class_test.Pot")
	ask := func(p *Pot, id uint32, args []byte) *class.Reply {
		reply := &class.Reply{}
		c.Query(id).Read(p, args, reply)
		return reply
	}
	args, err := potOver.Append(nil, 4)
	if err != nil {
		t.Fatal(err)
	}
	reply := ask(&Pot{coins: 10}, 1, args)
	if n, err := potOver.Decode(reply.Data); n != 6 || err != nil || reply.Err != nil {
		t.Errorf("Over returned %d, %v, %v", n, err, reply.Err)
	}
	if reply := ask(&Pot{}, 1, args); !errors.Is(reply.Err, errShort) || reply.Data != nil {
		t.Errorf("Over of an empty pot: %+v", reply)
	}
	if reply := ask(&Pot{}, 1, []byte{1}); !errors.Is(reply.Err, flat.ErrMalformed) || !strings.HasPrefix(reply.Err.Error(), "class_test.Pot.Over: arguments: ") {
		t.Errorf("malformed arguments: %+v", reply)
	}
	if reply := ask(&Pot{}, 2, nil); reply.Err != nil || len(reply.Data) > 0 {
		t.Errorf("Check: %+v", reply)
	}
	if reply := ask(&Pot{coins: -1}, 2, nil); !errors.Is(reply.Err, errRange) {
		t.Errorf("Check of a debt: %+v", reply)
	}
	if q := c.Query(1); q != potOver.Query() || q.Name != "Over" || c.Query(3) != nil {
		t.Errorf("query 1 is %v, 3 is %v", q, c.Query(3))
	}
}

// TestQueryIDs: ids are unique and not 0, and no part of the fingerprint.
func TestQueryIDs(t *testing.T) {
	c := &class.Class{Name: "class_test.Ids"}
	before := c.Fingerprint()
	c.AddQuery(&class.Query{ID: 1 << 31, Name: "A"})
	if c.Fingerprint() != before {
		t.Error("a query changes the fingerprint")
	}
	for want, id := range map[string]uint32{"getter B has id 0": 0, "getters A and B share id 2147483648": 1 << 31} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("id %d: %v", id, got)
				}
			}()
			c.AddQuery(&class.Query{ID: id, Name: "B"})
		}()
	}
}

// receiving is the Receiver of a call of m.
func receiving[T, A, R any](m *class.Mutator[T, A, R], to *class.Outcome[R]) class.Receiver {
	return &class.Receiving[T, A, R]{M: m, To: to}
}
