package coordinator_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"dsss/class"
	"dsss/comm/wire"
	"dsss/runtime/coordinator"
	"dsss/runtime/host"
	"dsss/runtime/session"
)

// window is the hosted object of these tests: Sell returns the next number.
type window struct{ sold uint64 }

const (
	sellID = 1
	soldID = 1
)

func init() {
	c := &class.Class{
		Name: "test.window",
		New:  func() any { return &window{} },
		Save: func(obj any, emit func([]byte) error) error {
			return emit(binary.LittleEndian.AppendUint64(nil, obj.(*window).sold))
		},
		Load: func(next func() ([]byte, error)) (any, error) {
			b, err := next()
			if err == io.EOF || len(b) != 8 {
				return nil, errors.New("chunk")
			}
			return &window{binary.LittleEndian.Uint64(b)}, err
		},
		Assign: func(dst, src any) { *dst.(*window) = *src.(*window) },
	}
	c.Add(&class.Method{ID: sellID, Name: "Sell", Apply: func(_ class.Order, obj any, _ []byte, to class.Future) {
		w := obj.(*window)
		w.sold++
		if r, is := to.(*class.Reply); is {
			r.Data = binary.LittleEndian.AppendUint64(r.Data, w.sold)
		}
	}})
	c.AddQuery(&class.Query{ID: soldID, Name: "Sold", Read: func(obj any, _ []byte, to *class.Reply) {
		to.Data = binary.LittleEndian.AppendUint64(to.Data, obj.(*window).sold)
	}})
	class.Register(c)
}

// ticket is the future of a Sell.
type ticket struct {
	number uint64
	err    error
	n      int
	done   chan struct{}
}

func (k *ticket) Put(err error)  { k.err = err }
func (k *ticket) Resolve(uint64) { k.n++; close(k.done) }
func (k *ticket) Fail(err error) { k.err = err; k.n++; close(k.done) }
func (k *ticket) Receive(data []byte, failed string) {
	if failed != "" || len(data) != 8 {
		k.err = errors.New("answered with " + failed)
		return
	}
	k.number = binary.LittleEndian.Uint64(data)
}

// host starts a host, which the returned function ends.
func (c *cluster) host() (kill func()) {
	ctx, cancel := context.WithCancel(context.Background())
	gone, cfg := make(chan struct{}), session.Config{Network: c.network, Hello: c.hello(wire.RoleHost, -2)}
	go func() {
		defer close(gone)
		for ctx.Err() == nil { // one that meets a coordinator that ends is replaced
			_ = host.Run(ctx, cfg)
		}
	}()
	return func() {
		cancel()
		<-gone
	}
}

// openWindow opens the hosted object; a host has to be there.
func (w *worker) openWindow() uint32 {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	id, err := w.OpenHosted(ctx, "window", "test.window")
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// sell starts a Sell.
func (w *worker) sell(id uint32, lone bool) *ticket {
	w.t.Helper()
	k := &ticket{done: make(chan struct{})}
	frame, err := w.BeginHosted(context.Background(), id, sellID)
	if err == nil {
		err = w.CommitHosted(frame, k, lone)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// sold asks how many were sold.
func (w *worker) sold(id uint32) uint64 {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	data, failed, err := w.AskHost(ctx, id, soldID, nil)
	if err != nil || failed != "" {
		w.t.Fatal(failed, err)
	}
	return binary.LittleEndian.Uint64(data)
}

// TestHostDies: host and coordinator die again and again under load, one at a time. Every call is answered once, and the tickets
// are distinct and complete; so they are when the job is resumed.
func TestHostDies(t *testing.T) {
	for _, durability := range durabilities {
		t.Run(string(durability), func(t *testing.T) {
			cfg := coordinator.Config{StateDir: stateDir(t), Durability: durability, CheckpointEvery: -1}
			c := launch(t, cfg)
			ws := []*worker{c.join(0), c.join(1), c.join(2)}
			kill := c.host()
			id := ws[0].openWindow()
			for _, w := range ws[1:] {
				w.openWindow()
			}
			const n, deaths = 2000, 8
			var mu sync.Mutex
			var numbers []uint64
			turn := make(chan struct{}, 3*n)
			var done sync.WaitGroup
			for _, w := range ws {
				done.Go(func() {
					var flight []*ticket
					for i := range n {
						flight = append(flight, w.sell(id, i%7 == 0))
						if i%50 == 0 {
							w.append(value(0, 0)) // another domain between
						}
						for len(flight) > 20 || i == n-1 && len(flight) > 0 {
							k := flight[0]
							flight = flight[1:]
							<-k.done
							if k.err != nil || k.n != 1 {
								t.Errorf("%v, answered %d times", k.err, k.n)
								return
							}
							mu.Lock()
							numbers = append(numbers, k.number)
							mu.Unlock()
							turn <- struct{}{}
						}
					}
				})
			}
			for i := range deaths {
				for range 3 * n / (deaths + 1) {
					<-turn
				}
				if i%2 == 0 {
					kill()
					kill = c.host()
					continue
				}
				c.kill()
				c.takeOver(-1, -2, 0, 1, 2)
				c.event(wire.HappeningRecovered)
			}
			done.Wait()
			slices.Sort(numbers)
			for i, number := range numbers {
				if number != uint64(i+1) {
					t.Fatalf("ticket %d of %d is number %d: lost, or sold twice", i+1, len(numbers), number)
				}
			}
			if len(numbers) != 3*n || ws[0].sold(id) != 3*n {
				t.Fatalf("%d answers, %d sold", len(numbers), ws[0].sold(id))
			}
			if err := c.finish(); err != nil {
				t.Fatal(err)
			}
			kill()
			for _, w := range ws {
				w.Close()
			}

			cfg.Resume = true
			c = launch(t, cfg)
			w := c.join(0)
			kill = c.host()
			defer kill()
			if id := w.openWindow(); w.sold(id) != 3*n {
				t.Errorf("%d sold after a resume", w.sold(id))
			}
			if err := c.finish(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestHostAndCoordinatorDie: both die at once, and the keeper has not seen what was answered last. The replicated calls are kept; the
// hosted ones are lost, and whoever was answered does not go on as if they were not.
func TestHostAndCoordinatorDie(t *testing.T) {
	c := launch(t, coordinator.Config{StateDir: stateDir(t), Durability: coordinator.Memory, CheckpointEvery: -1})
	ws := []*worker{c.join(0), c.join(1)}
	kill := c.host()
	id := ws[0].openWindow()
	ws[1].append(value(1, 0))
	ws[0].sync()
	if _, err := ws[1].Save(t.Context()); err != nil { // so the keeper is there
		t.Fatal(err)
	}
	c.network.hold(1) // the keeper receives nothing more
	k := ws[0].sell(id, true)
	<-k.done
	ws[1].append(value(1, 1))
	kill()
	c.kill()
	c.network.release()
	c.takeOver(-1, 0, 1)
	c.event(wire.HappeningRecovered)
	ws[1].append(value(1, 2))
	exactlyOnceOf(t, ws[1].values(), 1, 3)
	select {
	case <-ws[0].Ended():
		if err := ws[0].Err(); !errors.Is(err, session.ErrEvicted) {
			t.Errorf("the worker that was answered ends with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the worker that was answered goes on")
	}
	defer c.host()()
	if id := ws[1].openWindow(); ws[1].sold(id) != 0 {
		t.Errorf("%d sold", ws[1].sold(id))
	}
	if k := ws[1].sell(id, true); true {
		if <-k.done; k.number != 1 {
			t.Errorf("ticket %d, %v", k.number, k.err)
		}
	}
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
}

// exactlyOnceOf checks that values of one rank are there in order, each once.
func exactlyOnceOf(t *testing.T, values []uint64, rank, n int) {
	t.Helper()
	var own []uint64
	for _, v := range values {
		if v>>32 == uint64(rank) {
			own = append(own, v)
		}
	}
	if len(own) != n {
		t.Fatalf("%d of %d values", len(own), n)
	}
	for i, v := range own {
		if v != value(rank, i) {
			t.Fatalf("value %x at %d", v, i)
		}
	}
}

// TestHostedHistoriesAreLinearizable checks what clients of a hosted object saw, calls and getters, while connections are cut and host
// and coordinator die, against a counter with porcupine.
func TestHostedHistoriesAreLinearizable(t *testing.T) {
	model := porcupine.Model{
		Init: func() any { return uint64(0) },
		Step: func(state, in, out any) (bool, any) {
			n := state.(uint64)
			if in.(string) == "sold" {
				return out.(uint64) == n, n
			}
			return out.(uint64) == n+1, n + 1
		},
	}
	c := launch(t, coordinator.Config{StateDir: stateDir(t), Durability: coordinator.Memory, CheckpointEvery: -1})
	ws := []*worker{c.join(0), c.join(1), c.join(2)}
	kill := c.host()
	defer func() { kill() }()
	began := time.Now()
	histories := make(chan []porcupine.Operation, len(ws))
	turn := make(chan struct{}, 200)
	for client, w := range ws {
		id := w.openWindow()
		go func() {
			var h []porcupine.Operation
			for i := range 200 {
				op := porcupine.Operation{ClientId: client, Input: "sell", Call: int64(time.Since(began))}
				if i%3 == 2 {
					op.Input, op.Output = "sold", w.sold(id)
				} else {
					k := w.sell(id, true)
					<-k.done
					if op.Output = k.number; k.err != nil {
						t.Error(k.err)
					}
				}
				op.Return = int64(time.Since(began))
				h = append(h, op)
				if client == 0 {
					turn <- struct{}{}
				}
			}
			histories <- h
		}()
	}
	for i := range 18 {
		for range 10 {
			<-turn
		}
		switch {
		case i < 5:
			c.network.cut() // which knows the connections of the first coordinator
		case i%2 == 0:
			kill()
			kill = c.host()
		default:
			c.kill()
			c.takeOver(-1, -2, 0, 1, 2)
			c.event(wire.HappeningRecovered)
		}
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
