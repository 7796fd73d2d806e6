package coordinator_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/coordinator"
	"dsss/runtime/keeper"
	"dsss/runtime/replica"
	"dsss/runtime/session"
)

// list is the shared object of these tests: it remembers every value ever appended, in order.
type list struct{ values []uint64 }

const (
	appendID = 1
	panicID  = 2
)

var listClass = func() *class.Class {
	c := &class.Class{
		Name: "test.list",
		New:  func() any { return &list{} },
		Save: func(obj any, emit func([]byte) error) error {
			for chunk := range slices.Chunk(obj.(*list).values, 1000) {
				var b []byte
				for _, v := range chunk {
					b = binary.LittleEndian.AppendUint64(b, v)
				}
				if err := emit(b); err != nil {
					return err
				}
			}
			return nil
		},
		Load: func(next func() ([]byte, error)) (any, error) {
			l := &list{}
			for {
				b, err := next()
				if err == io.EOF {
					return l, nil
				}
				if err != nil || len(b)%8 != 0 {
					return nil, errors.Join(err, errors.New("chunk"))
				}
				for ; len(b) > 0; b = b[8:] {
					l.values = append(l.values, binary.LittleEndian.Uint64(b))
				}
			}
		},
		Assign: func(dst, src any) { *dst.(*list) = *src.(*list) },
	}
	c.Add(&class.Method{ID: appendID, Name: "Append", Apply: func(_ class.Order, obj any, args []byte, to class.Future) {
		l := obj.(*list)
		l.values = append(l.values, binary.LittleEndian.Uint64(args))
		if to != nil {
			to.(*future).at = len(l.values)
		}
	}})
	c.Add(&class.Method{ID: panicID, Name: "Panic", Apply: func(class.Order, any, []byte, class.Future) { panic("boom") }})
	class.Register(c)
	return c
}()

type future struct {
	at   int // the position that Append returned, from 1
	err  error
	seq  uint64
	n    int // how often it was resolved
	done chan struct{}
}

func newFuture() *future { return &future{done: make(chan struct{})} }

func (f *future) Put(err error)      { f.err = err }
func (f *future) Resolve(seq uint64) { f.seq = seq; f.n++; close(f.done) }
func (f *future) Fail(err error)     { f.err = err; f.n++; close(f.done) }

// A cluster is one job inside this process.
type cluster struct {
	t       *testing.T
	cfg     coordinator.Config
	network *flaky
	program string
	control *comm.Control
	events  chan *wire.EventT
	wg      sync.WaitGroup
	result  chan error
	kill    func() // ends the coordinator as SIGKILL does

	killKeeper func()
}

// flaky is a network whose connections can be cut.
type flaky struct {
	comm.Local
	mu    sync.Mutex
	conns []net.Conn
	held  chan struct{} // closed by release
}

func (f *flaky) Dial(addr string) (net.Conn, error) {
	nc, err := f.Local.Dial(addr)
	if err != nil {
		return nil, err
	}
	c := &flakyConn{Conn: nc, leaves: make(chan struct{}, 1)}
	f.mu.Lock()
	f.conns = append(f.conns, c)
	f.mu.Unlock()
	return c, nil
}

// flakyConn receives nothing while it is held.
type flakyConn struct {
	net.Conn
	held   atomic.Pointer[chan struct{}]
	leaves chan struct{} // yields once Leave has been said
}

func (c *flakyConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if len(b) >= comm.HeaderSize && comm.Kind(b[8]) == comm.KindLeave {
		select {
		case c.leaves <- struct{}{}:
		default:
		}
	}
	return n, err
}

func (c *flakyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if held := c.held.Load(); held != nil {
		<-*held
	}
	return n, err
}

// hold makes the process behind the i-th connection ever made receive nothing until release.
func (f *flaky) hold(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = make(chan struct{})
	f.conns[i].(*flakyConn).held.Store(&f.held)
}

func (f *flaky) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.(*flakyConn).held.Store(nil)
	}
	close(f.held)
}

// cut ends every connection but those of Control and the keeper, which were made first.
func (f *flaky) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns[2:] {
		_ = c.Close()
	}
	f.conns = f.conns[:2]
}

// start runs a coordinator with Control and, unless the coordinator refuses to begin, a keeper.
func start(t *testing.T, cfg coordinator.Config) (*cluster, error) {
	t.Helper()
	c := &cluster{t: t, network: &flaky{}, program: "test"}
	cfg.Network, cfg.Job, cfg.Token = c.network, "job", []byte("secret")
	if cfg.Size == 0 {
		cfg.Size = 4
	}
	return c, c.coordinate(cfg)
}

// coordinate runs a coordinator with Control.
func (c *cluster) coordinate(cfg coordinator.Config) error {
	c.t.Helper()
	t := c.t
	events, result := make(chan *wire.EventT, 50000), make(chan error, 1)
	c.events, c.result = events, result
	ready := make(chan struct{})
	cfg.Ready = func(string) { close(ready) }
	c.cfg = cfg
	ctx, cancel := context.WithCancelCause(context.Background())
	c.kill = func() {
		cancel(coordinator.ErrKilled)
		<-result
	}
	c.wg.Add(1)
	go func() {
		defer c.wg.Done()
		result <- coordinator.Run(ctx, cfg)
	}()
	select {
	case <-ready:
	case err := <-c.result:
		return err
	}
	var err error
	if c.control, err = comm.DialControl(c.network, "", "job", cfg.Token); err != nil {
		t.Fatal(err)
	}
	control := c.control
	c.wg.Add(1)
	go func() {
		defer c.wg.Done()
		for {
			e, err := control.Next()
			if err != nil {
				close(events)
				control.Close() // the coordinator waits for that when it ends
				return
			}
			events <- e
		}
	}()
	t.Cleanup(func() { control.Close(); c.wg.Wait() })
	return nil
}

// takeOver runs another coordinator for the same job, expecting those members.
func (c *cluster) takeOver(expect ...int32) {
	c.t.Helper()
	cfg := c.cfg
	cfg.Takeover, cfg.Resume, cfg.Expect = true, false, expect
	if err := c.coordinate(cfg); err != nil {
		c.t.Fatal(err)
	}
}

// testBuild is what the processes of a cluster run.
const testBuild = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func (c *cluster) hello(role wire.Role, rank int) wire.HelloT {
	h := wire.HelloT{Role: role, Job: "job", Token: c.cfg.Token, Rank: int32(rank), Program: c.program, Build: testBuild, Pid: int32(1000 + rank)}
	for _, k := range class.All() {
		h.Classes = append(h.Classes, &wire.ClassT{Name: k.Name, Fingerprint: k.Fingerprint(), Known: k.Known()})
	}
	return h
}

// startKeeper starts the keeper; it may be refused.
func (c *cluster) startKeeper() {
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan struct{})
	c.killKeeper = func() {
		cancel()
		<-gone
	}
	c.wg.Add(1)
	go func() {
		defer c.wg.Done()
		defer close(gone)
		defer cancel()
		_ = keeper.Run(ctx, session.Config{Network: c.network, Hello: c.hello(wire.RoleKeeper, -1)}, c.cfg.StateDir)
	}()
}

// keep starts the keeper and waits until it has joined.
func (c *cluster) keep() {
	c.t.Helper()
	c.startKeeper()
	c.event(wire.HappeningJoined)
}

// event waits for the next event of a kind; others are passed over.
func (c *cluster) event(what wire.Happening) *wire.EventT {
	c.t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case e, ok := <-c.events:
			if !ok {
				c.t.Fatalf("no event %v: control ended", what)
			}
			if e.What == what {
				return e
			}
		case <-timeout:
			c.t.Fatalf("no event %v in time", what)
		}
	}
}

func launch(t *testing.T, cfg coordinator.Config) *cluster {
	t.Helper()
	c, err := start(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.keep()
	return c
}

// finish ends the job as Control does, and returns what Run returned.
func (c *cluster) finish() error {
	c.t.Helper()
	if err := c.control.Finish("finished"); err != nil {
		c.t.Fatal(err)
	}
	select {
	case err := <-c.result:
		return err
	case <-time.After(30 * time.Second):
		c.t.Fatal("the coordinator does not end")
		return nil
	}
}

// crash ends the job as a killed launcher does: nobody is asked.
func (c *cluster) crash() {
	c.t.Helper()
	c.control.Close()
	<-c.result
	c.wg.Wait()
}

// A worker is a joined session with the list.
type worker struct {
	*session.Session
	t    *testing.T
	list *replica.Object
}

func (c *cluster) join(rank int) *worker {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s, err := session.Open(ctx, session.Config{Network: c.network, Hello: c.hello(wire.RoleWorker, rank)})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(s.Close)
	o, err := s.Open(ctx, "list", "test.list")
	if err != nil {
		c.t.Fatal(err)
	}
	return &worker{Session: s, t: c.t, list: o}
}

func (w *worker) start(v uint64, lone bool) *future {
	w.t.Helper()
	f := newFuture()
	if err := w.Submit(context.Background(), w.list.ID, appendID, binary.LittleEndian.AppendUint64(nil, v), f, lone); err != nil {
		w.t.Fatal(err)
	}
	return f
}

func (w *worker) append(v uint64) *future {
	w.t.Helper()
	f := w.start(v, true)
	<-f.done
	if f.err != nil {
		w.t.Fatal(f.err)
	}
	return f
}

func (w *worker) values() []uint64 {
	w.list.RLock()
	defer w.list.RUnlock()
	return slices.Clone(w.list.State.(*list).values)
}

// await waits until the list has n values here.
func (w *worker) await(n int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := w.Await(ctx, w.list, func() bool { return len(w.list.State.(*list).values) >= n }); err != nil {
		w.t.Fatal(err)
	}
}

// sync brings the replica up to date.
func (w *worker) sync() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := w.Sync(ctx); err != nil {
		w.t.Fatal(err)
	}
}

func stateDir(t *testing.T) string { return filepath.Join(t.TempDir(), "state") }

// agree checks that all workers hold the same list, and returns it.
func agree(t *testing.T, ws ...*worker) []uint64 {
	t.Helper()
	var want []uint64
	for i, w := range ws {
		w.sync()
		got := w.values()
		if i == 0 {
			want = got
		} else if !slices.Equal(got, want) {
			t.Fatalf("worker %d holds %d values, worker 0 %d, and they differ", i, len(got), len(want))
		}
	}
	return want
}

// exactlyOnce checks that every value from each of ranks*n, as value makes them, is there once, in its worker's order.
func exactlyOnce(t *testing.T, values []uint64, ranks, n int) {
	t.Helper()
	next := make([]uint64, ranks)
	for _, v := range values {
		rank, i := v>>32, v&(1<<32-1)
		if i != next[rank] {
			t.Fatalf("rank %d: value %d where %d belongs: lost, doubled or out of order", rank, i, next[rank])
		}
		next[rank]++
	}
	for rank, got := range next {
		if got != uint64(n) {
			t.Fatalf("rank %d: %d of %d values", rank, got, n)
		}
	}
}

func value(rank, i int) uint64 { return uint64(rank)<<32 | uint64(i) }
