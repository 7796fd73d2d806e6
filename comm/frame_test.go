package comm

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"

	"dsss/comm/wire"
	"dsss/internal/limits"
)

func pair(t testing.TB) (near, far net.Conn) {
	t.Helper()
	near, far, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	return near, far
}

// sender returns a Conn to read from and a function that writes raw bytes to it and hangs up.
func sender(t testing.TB) (*Conn, func([]byte)) {
	near, far := pair(t)
	c := NewConn(near)
	t.Cleanup(func() { c.Close(); _ = far.Close() })
	return c, func(b []byte) {
		go func() {
			_, _ = far.Write(b)
			_ = far.Close()
		}()
	}
}

func batchFrame(session, request uint64, calls ...[]byte) []byte {
	f := BeginBatch(nil)
	for i, args := range calls {
		f = AppendCall(f, uint32(i), uint32(i)+100, args)
	}
	FinishBatch(f, session, request, uint32(len(calls)))
	return f
}

func TestBatchSurvivesItsJourney(t *testing.T) {
	args := [][]byte{nil, []byte("x"), bytes.Repeat([]byte("ab"), 5000), []byte("12345678")}
	f := batchFrame(7, 41, args...)
	if _, err := ParseBatch(f[HeaderSize:]); err != nil {
		t.Fatal(err)
	}
	Order(f, 1000, 3, 99, 998)
	c, send := sender(t)
	c.Raise()
	send(f)
	kind, body, err := c.Next()
	if err != nil || kind != KindBatch {
		t.Fatal(kind, err)
	}
	b, err := ParseBatch(body)
	if err != nil {
		t.Fatal(err)
	}
	if b.Stream != 7 || b.Previous != 998 || b.Request != 41 || b.Sequence != 1000 || b.Epoch != 3 || b.Nanos != 99 || b.Count != 4 {
		t.Errorf("head came back as %+v", b)
	}
	for i, want := range args {
		object, method, got, ok := b.Calls.Next()
		if !ok || object != uint32(i) || method != uint32(i)+100 || !bytes.Equal(got, want) {
			t.Errorf("call %d: %d.%d %q ok=%v", i, object, method, got, ok)
		}
	}
	if _, _, _, ok := b.Calls.Next(); ok {
		t.Error("a call too many")
	}
}

// TestDamageIsSeen flips every bit and cuts at every byte of a conversation: nothing but the frames that were sent may
// ever come out, and what is wrong is a protocol error.
func TestDamageIsSeen(t *testing.T) {
	good := append(batchFrame(1, 1, []byte("hello")), Frame(KindHeartbeat, &wire.HeartbeatT{Applied: 5})...)
	read := func(raw []byte) (frames [][]byte, err error) {
		c, send := sender(t)
		send(raw)
		for {
			_, body, err := c.Next()
			if err != nil {
				return frames, err
			}
			frames = append(frames, append([]byte(nil), body...))
		}
	}
	want, err := read(good)
	if err != io.EOF || len(want) != 2 {
		t.Fatalf("undamaged: %d frames, %v", len(want), err)
	}
	for bit := range len(good) * 8 {
		bad := append([]byte(nil), good...)
		bad[bit/8] ^= 1 << (bit % 8)
		got, err := read(bad)
		if !errors.Is(err, ErrProtocol) {
			t.Fatalf("bit %d flipped: error is %v", bit, err)
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("bit %d flipped: frame %d came out changed", bit, i)
			}
		}
	}
	for cut := range good {
		_, err := read(good[:cut])
		if whole := cut == 0 || cut == len(batchFrame(1, 1, []byte("hello"))); whole != (err == io.EOF) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
}

// TestClaimsCostNothing: a header may claim any length; no memory is taken before the bytes come.
func TestClaimsCostNothing(t *testing.T) {
	for _, raise := range []bool{false, true} {
		f := make([]byte, HeaderSize+limits.Frame)
		Seal(f, KindHello)
		c, send := sender(t)
		if raise {
			c.Raise()
		}
		send(f[:HeaderSize])
		if _, _, err := c.Next(); !errors.Is(err, ErrProtocol) {
			t.Errorf("raise=%v: %v", raise, err)
		}
		if got := len(c.buf); got > limits.ReadBuffer {
			t.Errorf("raise=%v: %d bytes of buffer for a claim", raise, got)
		}
	}
	over := make([]byte, HeaderSize+limits.Frame+1)
	Seal(over, KindBatch)
	c, send := sender(t)
	c.Raise()
	send(over)
	if _, _, err := c.Next(); !errors.Is(err, ErrProtocol) {
		t.Errorf("frame over the limit: %v", err)
	}
}

func TestLargestBatchTravels(t *testing.T) {
	f := batchFrame(1, 1, make([]byte, limits.Batch-CallOverhead))
	c, send := sender(t)
	c.Raise()
	send(f)
	_, body, err := c.Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseBatch(body); err != nil {
		t.Fatal(err)
	}
}

// TestCountIsNotBelieved: replicas walk as many calls as the head counts, so it must be backed by bytes.
func TestCountIsNotBelieved(t *testing.T) {
	f := BeginBatch(nil)
	f = AppendCall(f, 0, 0, []byte("x"))
	FinishBatch(f, 1, 1, 1<<31)
	if _, err := ParseBatch(f[HeaderSize:]); !errors.Is(err, ErrProtocol) {
		t.Error(err)
	}
}

func TestGatheredWritesStayWhole(t *testing.T) {
	near, far := pair(t)
	c, d := NewConn(near), NewConn(far)
	defer c.Close()
	defer d.Close()
	const n = 200
	for w := range 4 {
		go func() {
			for range n {
				c.Lock()
				bufs := net.Buffers{Frame(KindSync, &wire.SyncT{Id: uint64(w)}), Frame(KindSync, &wire.SyncT{Id: uint64(w)})}
				_ = c.GatherLocked(&bufs)
				c.Unlock()
			}
		}()
	}
	for range 4 * n {
		var ids [2]uint64
		for i := range ids {
			_, body, err := d.Next()
			if err != nil {
				t.Fatal(err)
			}
			m, err := ParseSync(body)
			if err != nil {
				t.Fatal(err)
			}
			ids[i] = m.Id
		}
		if ids[0] != ids[1] {
			t.Fatalf("frames of two writers mixed: %v", ids)
		}
	}
}

// FuzzConn: whatever arrives, reading and parsing give frames or errors, never a panic.
func FuzzConn(f *testing.F) {
	f.Add(batchFrame(1, 1, []byte("hello")))
	f.Add(Frame(KindHello, &wire.HelloT{Job: "j", Classes: []*wire.ClassT{{Name: "a", Fingerprint: 1}}}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, send := sender(t)
		send(raw)
		for {
			kind, body, err := c.Next()
			if err != nil {
				return
			}
			parseAny(kind, body)
		}
	})
}

// FuzzParse gets past the checksums: bodies as a peer would make them that seals what it likes.
func FuzzParse(f *testing.F) {
	for kind, m := range samples() {
		f.Add(uint8(kind), Frame(kind, m)[HeaderSize:])
	}
	f.Add(uint8(KindBatch), batchFrame(1, 1, []byte("hello"), nil)[HeaderSize:])
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		if kind < uint8(kinds) {
			parseAny(Kind(kind), body)
		}
	})
}

// TestGroups: the batches of a group are read one after the other; one that is cut off, or is none, is an error.
func TestGroups(t *testing.T) {
	var group []byte
	for request := uint64(1); request <= 3; request++ {
		f := AppendCall(BeginBatch(nil), 1, 2, make([]byte, 10*request))
		FinishBatch(f, 7, request, 1)
		Order(f, 10+request, 1, 2, 9)
		group = append(group, f...)
		if head, _ := GroupSum(group); (head != 0) != (request == 1) {
			t.Errorf("%d batches: a checksum behind %d bytes", request, head)
		}
	}
	read := func(b []byte) (n uint64, err error) {
		for b, e := range Batches(b) {
			if err = e; e == nil {
				if n++; b.Request != n || b.Sequence != 10+n {
					t.Errorf("request %d at %d", b.Request, b.Sequence)
				}
			}
		}
		return n, err
	}
	if n, err := read(group); n != 3 || err != nil {
		t.Errorf("%d batches, %v", n, err)
	}
	for end := range len(group) {
		if n, err := read(group[:end]); err == nil && !whole(group, end) {
			t.Errorf("%d batches in %d of %d bytes, and no error", n, end, len(group))
		}
	}
}

// whole tells whether a frame ends at end.
func whole(group []byte, end int) bool {
	at := 0
	for at < end {
		at += single(group[at:])
	}
	return at == end
}
