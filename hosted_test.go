package dsss

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"dsss/class"
)

// purse is hosted in these tests.
type purse struct{ coins int64 }

var errPurse = errors.New("negative")

var purseCodec = class.Codec[int64]{
	Append: func(dst []byte, n int64) ([]byte, error) {
		if n < 0 {
			return dst, errPurse
		}
		return binary.LittleEndian.AppendUint64(dst, uint64(n)), nil
	},
	Read: func(buf []byte) (int64, error) {
		if len(buf) != 8 {
			return 0, errors.New("malformed")
		}
		return int64(binary.LittleEndian.Uint64(buf)), nil
	},
}

var (
	purseClass = class.New("dsss.purse", class.StateCodec[purse]{Save: func(*purse, func([]byte) error) error { return nil }})
	purseTake  = class.NewMutator(purseClass, 1, "Take", purseCodec, func(_ class.Order, p *purse, n int64) (int64, error) {
		if n > p.coins {
			return 0, errors.New("too few")
		}
		p.coins -= n
		return p.coins, nil
	}).Returns(purseCodec)
	purseOver = class.NewGetter(purseClass, 1, "Over", purseCodec, purseCodec, func(p *purse, n int64) (int64, error) {
		if n > p.coins {
			return 0, errors.New("too few")
		}
		return p.coins - n, nil
	})
)

// oneHost is a session whose host is this process, with one object. Broken, it fails with what lost says.
type oneHost struct {
	name   string
	purse  purse
	seq    uint64
	open   bool // between BeginHosted and what follows
	lost   error
	silent bool // calls are taken and not answered
}

func (h *oneHost) OpenHosted(_ context.Context, name, className string) (uint32, error) {
	if h.name != "" && h.name != name || className != "dsss.purse" {
		return 0, ErrClass
	}
	h.name = name
	return 3, h.lost
}

func (h *oneHost) BeginHosted(_ context.Context, object, method uint32) ([]byte, error) {
	if h.open || object != 3 || method != 1 {
		return nil, errors.New("begun wrongly")
	}
	h.open = h.lost == nil
	return make([]byte, 16), h.lost
}

func (h *oneHost) CommitHosted(frame []byte, f class.Receiver, _ bool) error {
	h.open = false
	if h.silent {
		return nil
	}
	var reply class.Reply
	purseTake.Method().Apply(class.Order{}, &h.purse, frame[16:], &reply)
	f.Receive(reply.Data, textOf(reply.Err))
	h.seq++
	f.Resolve(h.seq)
	return nil
}

func (h *oneHost) Abort() { h.open = false }

func (h *oneHost) AskHost(_ context.Context, object, query uint32, args []byte) ([]byte, string, error) {
	if object != 3 || h.lost != nil {
		return nil, "", h.lost
	}
	var reply class.Reply
	class.Lookup("dsss.purse").Query(query).Read(&h.purse, args, &reply)
	return reply.Data, textOf(reply.Err), nil
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func openPurse(t *testing.T, h *oneHost) *Hosted[purse] {
	t.Helper()
	p, err := openHosted(t.Context(), nil, h, purseClass, "mine")
	if err != nil || p.Name() != "mine" || p.Job() != nil {
		t.Fatalf("%v, %v", p, err)
	}
	return p
}

// TestHostedCalls: results and errors of the host are the caller's, and a getter's too.
func TestHostedCalls(t *testing.T) {
	host := &oneHost{purse: purse{coins: 10}}
	p := openPurse(t, host)
	if n, err := CallHosted(t.Context(), p, purseTake, 4); n != 6 || err != nil {
		t.Errorf("Take returned %d, %v", n, err)
	}
	if n, err := Ask(t.Context(), p, purseOver, 1); n != 5 || err != nil {
		t.Errorf("Over returned %d, %v", n, err)
	}
	f := GoHosted(t.Context(), p, purseTake, 7)
	if n, err := f.Wait(t.Context()); n != 0 || err != class.RemoteError("too few") || f.Seq() != 2 {
		t.Errorf("Take returned %d, %v as %d", n, err, f.Seq())
	}
	if n, err := Ask(t.Context(), p, purseOver, 7); n != 0 || err != class.RemoteError("too few") {
		t.Errorf("Over returned %d, %v", n, err)
	}
}

// TestHostedErrors: what was not sent says so, with operation and object.
func TestHostedErrors(t *testing.T) {
	host := &oneHost{}
	p := openPurse(t, host)
	says := func(about string, err, is error, text string) {
		t.Helper()
		var e *Error
		if !errors.As(err, &e) || is != nil && !errors.Is(err, is) || !strings.HasPrefix(err.Error(), text) {
			t.Errorf("%s: %v", about, err)
		}
	}
	_, err := CallHosted(t.Context(), p, purseTake, -1)
	says("arguments", err, errPurse, "dsss: Take of mine: ")
	says("arguments", err, ErrNotApplied, "dsss: Take of mine: ")
	if host.open {
		t.Error("a call whose arguments cannot be encoded is left begun")
	}
	_, err = Ask(t.Context(), p, purseOver, -1)
	says("arguments of a getter", err, errPurse, "dsss: Over of mine: arguments: ")

	host.silent = true
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = CallHosted(ctx, p, purseTake, 1)
	says("no answer", err, ErrUnconfirmed, "dsss: Take of mine: ")

	host.lost = ErrClosed
	_, err = CallHosted(t.Context(), p, purseTake, 1)
	says("a lost session", err, ErrClosed, "dsss: Take of mine: ")
	_, err = Ask(t.Context(), p, purseOver, 1)
	says("a lost session", err, ErrClosed, "dsss: Over of mine: ")
	_, err = openHosted(t.Context(), nil, host, purseClass, "mine")
	says("a lost session", err, ErrClosed, "dsss: Open of mine: ")
	_, err = openHosted(t.Context(), nil, host, purseClass, "")
	says("no name", err, ErrConfig, "dsss: Open: invalid configuration: the name of an object of class dsss.purse is empty")
}
