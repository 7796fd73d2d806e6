package coordinator_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/internal/stream"
	"dsss/runtime/coordinator"
	"dsss/runtime/session"
)

// dial connects without saying anything.
func (c *cluster) dial() net.Conn {
	c.t.Helper()
	nc, err := c.network.Local.Dial("")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = nc.Close() })
	return nc
}

// gone waits until the other side hangs up.
func gone(t *testing.T, nc net.Conn) {
	t.Helper()
	_ = nc.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, nc); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		t.Fatalf("still connected: %v", err)
	}
}

// TestStrangers: whoever does not say hello as he should loses his connection with a reason, and the job goes on.
func TestStrangers(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t)})
	w := c.join(0)
	hello := func(change func(*wire.HelloT)) []byte {
		h := c.hello(wire.RoleWorker, 1)
		h.Session, h.Version = 77, comm.Version
		change(&h)
		return comm.Frame(comm.KindHello, &h)
	}
	good := hello(func(*wire.HelloT) {})
	badSum := bytes.Clone(good)
	badSum[len(badSum)-1] ^= 1
	huge := make([]byte, comm.HeaderSize+limits.HelloFrame+1)
	comm.Seal(huge, comm.KindHello)
	random := make([]byte, 4096)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	many := hello(func(h *wire.HelloT) {
		for range limits.Classes + 1 {
			h.Classes = append(h.Classes, &wire.ClassT{Name: "x"})
		}
	})
	for name, raw := range map[string][]byte{
		"random bytes":       random,
		"an HTTP request":    []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"a huge length":      huge[:comm.HeaderSize],
		"a wrong checksum":   badSum,
		"no hello":           comm.Frame(comm.KindHeartbeat, &wire.HeartbeatT{}),
		"another version":    hello(func(h *wire.HelloT) { h.Version++ }),
		"another token":      hello(func(h *wire.HelloT) { h.Token = []byte("guess") }),
		"another job":        hello(func(h *wire.HelloT) { h.Job = "other" }),
		"another build":      hello(func(h *wire.HelloT) { h.Classes[0].Fingerprint++ }),
		"another program":    hello(func(h *wire.HelloT) { h.Program = "other" }),
		"a rank beyond":      hello(func(h *wire.HelloT) { h.Rank = 4 }),
		"a negative rank":    hello(func(h *wire.HelloT) { h.Rank = -1 }),
		"a rank that exists": hello(func(h *wire.HelloT) { h.Rank = 0 }),
		"a second keeper":    hello(func(h *wire.HelloT) { h.Role = wire.RoleKeeper }),
		"a second control":   hello(func(h *wire.HelloT) { h.Role = wire.RoleControl }),
		"another domain":     hello(func(h *wire.HelloT) { h.Session = stream.Of(h.Session, stream.Hosted) }),
		"a future replica":   hello(func(h *wire.HelloT) { h.Applied = 1 << 60 }),
		"too many classes":   many,
	} {
		nc := c.dial()
		if _, err := nc.Write(raw); err != nil {
			t.Fatal(err)
		}
		gone(t, nc)
		if e := c.event(wire.HappeningRefused); e.Text == "" || strings.Contains(e.Text, "\n") {
			t.Errorf("%s: refused for %q", name, e.Text)
		}
	}
	half := c.dial()
	if _, err := half.Write(good[:len(good)-3]); err != nil {
		t.Fatal(err)
	}
	_ = half.Close()
	c.event(wire.HappeningRefused)
	silent := c.dial()

	w.append(value(0, 0))
	if err := c.finish(); err != nil { // at once, though one stranger still says nothing
		t.Fatal(err)
	}
	gone(t, silent)
}

// TestCrowd: ten thousand connections that say nothing, or rubbish byte by byte, keep nobody out: honest workers go on,
// and one more joins while the crowd pushes.
func TestCrowd(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t)})
	w := c.join(0)
	var crowd sync.WaitGroup
	const pushers, each = 10, 1000
	for p := range pushers {
		crowd.Go(func() {
			var open []net.Conn
			for i := range each {
				nc, err := c.network.Local.Dial("")
				if err != nil {
					t.Error(err)
					return
				}
				if (i+p)%2 == 0 {
					_, _ = nc.Write([]byte{byte(i)}) // a slow loris; it may be gone already
				}
				open = append(open, nc)
			}
			for _, nc := range open {
				_ = nc.Close()
			}
		})
	}
	load(t, []*worker{w}, 0, 2000, 10)
	late := c.join(1)
	late.append(value(1, 0))
	crowd.Wait()
	load(t, []*worker{w}, 2000, 10, 1)
	if n := len(agree(t, w, late)); n != 2011 {
		t.Errorf("%d values, want 2011", n)
	}
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}

// TestHostileMember: a process with the token that breaks the protocol later loses its connection too; what it did
// within the rules is an error of its own calls, the same on every replica.
func TestHostileMember(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t)})
	w := c.join(0)
	enter := func(session uint64) *comm.Conn {
		h := c.hello(wire.RoleWorker, 1)
		h.Session = session
		conn, _, err := comm.Greet(context.Background(), c.network, "", &h, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		return conn
	}
	batch := func(session, request uint64, object, method uint32, args []byte) []byte {
		f := comm.AppendCall(comm.BeginBatch(nil), object, method, args)
		comm.FinishBatch(f, session, request, 1)
		return f
	}
	ok := binary.LittleEndian.AppendUint64(nil, value(1, 0))
	tooMany := comm.AppendCall(comm.BeginBatch(nil), w.list.ID, appendID, ok)
	comm.FinishBatch(tooMany, 5, 1, 1<<30)
	for name, raw := range map[string][]byte{
		"a foreign session": batch(999, 1, w.list.ID, appendID, ok),
		"a gap":             batch(5, 7, w.list.ID, appendID, ok),
		"a false count":     tooMany,
		"a welcome":         comm.Frame(comm.KindWelcome, &wire.WelcomeT{}),
		"a saved":           comm.Frame(comm.KindSaved, &wire.SavedT{}),
		"a panic to come":   comm.Frame(comm.KindPanic, &wire.PanicT{Sequence: 1 << 40}),
		"junk":              []byte("junk junk junk junk junk"),
	} {
		conn := enter(5)
		if err := conn.Write(raw); err != nil {
			t.Fatal(err)
		}
		if e := c.event(wire.HappeningLost); e.Rank != 1 || e.Text == "" {
			t.Errorf("%s: lost with %+v", name, e)
		}
	}
	// Calls that nobody can make sense of are ordered and come to nothing, everywhere alike.
	conn := enter(6)
	applied := w.Replica().Applied()
	for i, f := range [][]byte{batch(6, 1, 1<<31, 1, ok), batch(6, 2, w.list.ID, 99, ok), batch(6, 3, w.list.ID, appendID, ok)} {
		if err := conn.Write(f); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := w.WaitApplied(t.Context(), applied+3); err != nil {
		t.Fatal(err)
	}
	w.append(value(0, 0))
	if got := agree(t, w); len(got) != 2 {
		t.Errorf("list is %v", got)
	}
	conn.Close()
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}

// TestBatchBeforeAnotherFrame: a batch is broadcast though a frame of another kind came in behind it, and nothing else
// ever comes.
func TestBatchBeforeAnotherFrame(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t)})
	w := c.join(0)
	w.append(value(0, 0))
	h := c.hello(wire.RoleWorker, 1)
	h.Session = 5
	conn, _, err := comm.Greet(context.Background(), c.network, "", &h, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	want := w.Replica().Applied() + 1
	both := comm.AppendCall(comm.BeginBatch(nil), w.list.ID, appendID, make([]byte, 8))
	comm.FinishBatch(both, 5, 1, 1)
	both = append(both, comm.Frame(comm.KindHeartbeat, &wire.HeartbeatT{})...)
	if err := conn.Write(both); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := w.WaitApplied(ctx, want); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}

// TestStalledReplica: a member that reads nothing does not stop the others, whatever the durability. It is behind, reads
// on from disk, and, when checkpoints have shortened that, goes on from one.
func TestStalledReplica(t *testing.T) {
	for _, durability := range []coordinator.Durability{coordinator.Interval, coordinator.Memory} {
		for _, checkpoints := range []int{0, 3} {
			t.Run(fmt.Sprintf("%s/%d", durability, checkpoints), func(t *testing.T) {
				c := launch(t, coordinator.Config{StateDir: stateDir(t), Durability: durability, Bounds: coordinator.LogMemory(256 << 10), LogInterval: time.Millisecond,
					CheckpointEvery: -1, Segment: 64 << 10})
				w := c.join(0)
				stalled := c.join(1)
				stalled.append(value(1, 0))
				c.network.hold(3)
				var inFlight *future
				// Far more than the log's memory and the connection's buffer hold together.
				const n = 120_000
				for i := range 4 {
					load(t, []*worker{w}, i*n/4, n/4, 1000)
					if i == 0 { // what it could receive is full by now: nothing of this one comes back
						inFlight = stalled.start(value(1, 1), true)
						w.await(n/4 + 2)
					}
					if i < checkpoints {
						if _, err := w.Save(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
				}
				c.network.release()
				got := agree(t, w, stalled)
				<-inFlight.done
				own := 0
				for _, v := range got {
					if v == value(1, 1) {
						own++
					}
				}
				switch lost := errors.Is(inFlight.err, session.ErrResultLost); {
				case own != 1 || inFlight.n != 1:
					t.Errorf("the mutation in flight is there %d times, its future was resolved %d times", own, inFlight.n)
				case inFlight.err != nil && !lost:
					t.Errorf("the mutation in flight: %v", inFlight.err)
				case checkpoints == 0 && durability == coordinator.Interval && lost:
					t.Error("the result is lost, though the log had it all")
				case checkpoints == 3 && !lost:
					t.Error("the log was shortened, and yet the result came")
				}
				if len(got) != n+2 {
					t.Errorf("%d values, want %d", len(got), n+2)
				}
				if err := c.finish(); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

// TestWindow: a worker whose mutations do not come back stops at its window, and goes on when they do.
func TestWindow(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t)})
	w := c.join(0)
	w.Replica().Begin() // the replica applies nothing
	args := binary.LittleEndian.AppendUint64(nil, 1)
	var last *future
	for range limits.Window {
		last = newFuture()
		if err := w.Submit(t.Context(), w.list.ID, appendID, args, last, false); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := w.Submit(ctx, w.list.ID, appendID, args, newFuture(), false); !errors.Is(err, session.ErrNotApplied) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("beyond the window: %v", err)
	}
	w.Replica().End()
	<-last.done
	w.append(2)
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}

// TestTooLarge: arguments over the limit are refused before they are taken.
func TestTooLarge(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t)})
	w := c.join(0)
	err := w.Submit(t.Context(), w.list.ID, appendID, make([]byte, limits.Batch), newFuture(), true)
	if !errors.Is(err, session.ErrTooLarge) || !errors.Is(err, session.ErrNotApplied) {
		t.Errorf("error %v", err)
	}
	f := newFuture()
	if err := w.Submit(t.Context(), w.list.ID, appendID, make([]byte, limits.Call-comm.CallOverhead), f, true); err != nil {
		t.Fatal(err)
	}
	<-f.done
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}

// TestHistoriesAreLinearizable checks what clients saw, mutations and reads after Sync, under cut connections, against
// a list with porcupine.
func TestHistoriesAreLinearizable(t *testing.T) {
	type input struct {
		read  bool
		value uint64
	}
	model := porcupine.Model{
		Init: func() any { return 0 },
		Step: func(state, in, out any) (bool, any) {
			n := state.(int)
			if in.(input).read {
				return out.(int) == n, n
			}
			return out.(int) == n+1, n + 1
		},
		DescribeOperation: func(in, out any) string { return "" },
	}
	c := launch(t, coordinator.Config{StateDir: stateDir(t)})
	ws := []*worker{c.join(0), c.join(1), c.join(2)}
	began := time.Now()
	histories := make(chan []porcupine.Operation, len(ws))
	for id, w := range ws {
		go func() {
			var h []porcupine.Operation
			for i := range 150 {
				op := porcupine.Operation{ClientId: id, Call: int64(time.Since(began))}
				if i%3 == 2 {
					w.sync()
					op.Input, op.Output = input{read: true}, len(w.values())
				} else {
					op.Input, op.Output = input{value: value(id, i)}, w.append(value(id, i)).at
				}
				op.Return = int64(time.Since(began))
				h = append(h, op)
				if id == 0 && i%10 == 9 {
					c.network.cut()
				}
			}
			histories <- h
		}()
	}
	var all []porcupine.Operation
	for range ws {
		all = append(all, <-histories...)
	}
	if result := porcupine.CheckOperationsTimeout(model, all, time.Minute); result != porcupine.Ok {
		t.Fatalf("history of %d operations: %v", len(all), result)
	}
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}
