package comm

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dsss/internal/limits"
)

// TestPatience: time in which nobody looked, because the process was stopped, counts as one look.
func TestPatience(t *testing.T) {
	now := time.Unix(1e9, 0)
	var p Patience
	p.Reset(now)
	for i := range 30 {
		now = now.Add(limits.Heartbeat)
		if got, want := p.Waited(now), time.Duration(i+1)*limits.Heartbeat; got != want {
			t.Fatalf("waited %v, want %v", got, want)
		}
	}
	before := p.Waited(now)
	if got := p.Waited(now.Add(10 * time.Hour)); got != before+limits.Awake {
		t.Errorf("a suspension of hours counts as %v", got-before)
	}
	if got := p.Waited(now.Add(9 * time.Hour)); got != before+limits.Awake { // a clock that goes back
		t.Errorf("waited %v", got)
	}
	p.Reset(now)
	if got := p.Waited(now); got != 0 {
		t.Errorf("after Reset: %v", got)
	}
}

// TestAfter: a process that was stopped for an hour goes on waiting when it wakes; one that was not waits for no longer than
// it should.
func TestAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer func() { clock = time.Now }()
		var suspended atomic.Int64
		clock = func() time.Time { return time.Now().Add(time.Duration(suspended.Load())) }
		var calls atomic.Int32
		began := time.Now()
		After(10*time.Second, func() { calls.Add(1) })
		stop := After(10*time.Second, func() { t.Error("it was stopped") })
		time.Sleep(3500 * time.Millisecond)
		stop()
		stop()
		suspended.Store(int64(time.Hour))
		time.Sleep(4 * time.Second)
		if calls.Load() != 0 {
			t.Error("it did not wait any longer after it had been stopped")
		}
		for calls.Load() == 0 {
			time.Sleep(50 * time.Millisecond)
		}
		if took := time.Since(began); took > 10*time.Second+50*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		ctx, cancel := WithPatience(t.Context(), 300*time.Millisecond)
		defer cancel()
		<-ctx.Done()
		if context.Cause(ctx) != context.DeadlineExceeded {
			t.Errorf("ended by %v", context.Cause(ctx))
		}
	})
}

// TestWriteNow: what a peer that reads nothing does not take is left for somebody who may wait, whole and in order.
func TestWriteNow(t *testing.T) {
	for name, network := range map[string]Network{"local": &Local{}, "tcp": TCP{}} {
		l, err := network.Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		accepted := make(chan net.Conn, 1)
		go func() {
			c, _ := l.Accept() // without one, nothing is read below
			accepted <- c
		}()
		a, err := network.Dial(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		from, to := NewConn(a), NewConn(<-accepted)
		to.Raise()
		const size = 64 << 10
		frames, left := 0, (*Rest)(nil)
		for left == nil {
			left = from.WriteNow(sealed(frames, size))
			frames++
			if frames > 10_000 {
				t.Fatalf("%s: a peer that reads nothing takes everything", name)
			}
		}
		if again := from.WriteNow(sealed(frames, size)); again == nil {
			t.Errorf("%s: written into the middle of a frame", name)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			left.With(sealed(frames, size))
			from.FinishWrite(left)
		}()
		for i := range frames + 1 {
			kind, body, err := to.Next()
			if err != nil || kind != KindTail || len(body) != size || body[0] != byte(i) {
				t.Fatalf("%s: frame %d: %v of %d bytes, %v", name, i, kind, len(body), err)
			}
		}
		<-done
		from.Close()
		to.Close()
		l.Close()
	}
}

func sealed(i, size int) []byte {
	frame := make([]byte, HeaderSize+size)
	frame[HeaderSize] = byte(i)
	Seal(frame, KindTail)
	return frame
}
