// Package session is a worker's side of a job: one incarnation of a worker, which numbers its requests, sends them in
// batches, follows the one order with its replica, and comes back when the connection breaks.
//
// # Parts
//
// Three parts decide, and do nothing else: the sender (batches from their first call to their application, the window, and
// what is to be written now), the follower (what a frame of the order does), and the link (what is said on a new
// connection, and what becomes of one that fails). A Session is what is around them: a lock, connections, and three
// goroutines, the reader (the replica's one writer), the flusher, and the connection's watch. Close waits for them. A
// Session from New has none: whoever owns it, such as a simulation, calls the methods that they call.
//
// # One mutation
//
// Submit appends the encoded call to the batch that gathers and its future behind the others. Whoever finds nobody
// writing writes: a caller that waits for its result does it itself, as far as the connection takes it at once, and one
// that does not leaves it to the flusher, so that more may gather. Batches stay in a queue until the replica has applied
// them; a cursor in that queue says what has been written to the present connection, and a reconnect moves it back. The
// reader applies every batch of the log; when one is ours, it is the first in the queue, and its futures get their
// results.
package session

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/flat"
	"dsss/internal/applying"
	"dsss/internal/limits"
	"dsss/internal/stream"
	"dsss/runtime/history"
	"dsss/runtime/replica"
)

// The errors that a session's operations end with; see package dsss for their meaning to programs.
var (
	ErrClosed      = errors.New("the job is closed")
	ErrUnconfirmed = errors.New("sent, but not known whether it was applied")
	ErrNotApplied  = errors.New("never sent, not applied")
	ErrResultLost  = errors.New("applied, but its result is lost")
	ErrTooLarge    = flat.ErrTooLarge
	ErrRefused     = errors.New("refused by the coordinator")
	ErrEvicted     = errors.New("evicted from the job")
	ErrStopped     = errors.New("the job was stopped")
	ErrClass       = replica.ErrClass
	ErrPlacement   = replica.ErrPlacement
)

// Config says whom to join as what.
type Config struct {
	// Network and Addr reach the coordinator.
	Network comm.Network
	Addr    string
	// Hello identifies this process: role, job, token, rank, node, pid, classes, program. Session, version and
	// applied are filled in here.
	Hello wire.HelloT
	// Log receives what a person who looks for trouble wants to know. nil: nothing is logged.
	Log *slog.Logger
	// Limits are the bounds of what waits and is remembered; zero: limits.Default().
	Limits limits.Bounds
	// OnSave is called on the reader at the mark at which the coordinator wants a checkpoint (keeper only). It must not
	// block. Nothing is applied before the channel that it returns is closed, unless the connection is lost meanwhile.
	OnSave func(*wire.SaveT) <-chan struct{}
	// Applying is where others see which mutation this process is applying; nil: nowhere.
	Applying *applying.Slot
	// OnPanic is called when a mutator panicked, after it was reported. The replica is half changed: OnPanic ends the
	// process, or the reader stops for ever with the replica locked. nil: the latter.
	OnPanic func(*replica.PanicError)
}

// A Session is a joined worker or keeper.
type Session struct {
	cfg Config
	id  uint64

	follower follower // the reader's
	link     link     // the reader's; its welcome is written under mu

	// mu guards the sending side and the fate of the session. It is held for moments, never over I/O.
	mu       sync.Mutex
	out      sender
	conn     *comm.Conn    // nil between connections
	rest     *rest         // what a caller began to write and the flusher is to finish; nil: nothing
	room     chan struct{} // closed when there is room again; nil when nobody waits
	ranks    []int         // that the job has, as of what the replica has applied
	reranked chan struct{} // closed when they change
	err      error         // why nothing more can be submitted

	least atomic.Uint64 // sequence number that somebody waits for; the largest there is when nobody does
	kick  chan struct{} // wakes the flusher; it has room for one wake-up
	ended chan struct{} // closed with err set: the session is over
	wg    sync.WaitGroup
}

// Open joins: it connects, restores the replica from the state that the coordinator sends if there is one, and
// starts following the order.
func Open(ctx context.Context, cfg Config) (*Session, error) {
	s := New(cfg, newID())
	conn, err := s.dialUntil(ctx)
	if err != nil {
		s.end(err)
		s.wg.Wait()
		return nil, err
	}
	s.wg.Add(2)
	go s.read(conn)
	go s.flush()
	return s, nil
}

// New makes a session of that number, which has not joined and has no goroutines. Its owner connects, and calls what
// they would: on a connection Welcomed and then Follow, Broken or Failed when it fails, Write when Woken. Methods that
// wait must not be called; Full and Ask say what they would wait for.
func New(cfg Config, id uint64) *Session {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Limits == (limits.Bounds{}) {
		cfg.Limits = limits.Default()
	}
	s := &Session{
		cfg: cfg, id: id, link: link{id: id}, out: newSender(id, cfg.Limits),
		follower: follower{id: id, bounds: cfg.Limits, replica: replica.New(cfg.Applying, cfg.Hello.Role != wire.RoleWorker), tail: history.NewTail(cfg.Limits.Tail, limits.TailSlab)},
		reranked: make(chan struct{}), kick: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	s.least.Store(^uint64(0))
	s.follower.own = s.own
	if cfg.Hello.Role == wire.RoleHost {
		s.follower.server = newServer(s.follower.replica)
	}
	s.follower.replica.OnExit(func(p *replica.PanicError) {
		s.mu.Lock()
		conn := s.conn
		s.mu.Unlock()
		s.end(s.panicked(conn, p)) // here, because the reader is on its way out
	})
	return s
}

// newID draws a session number that no other incarnation has: 60 random bits, neither 0 nor the coordinators'.
func newID() uint64 {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // never fails, see crypto/rand
		if id := stream.Session(binary.LittleEndian.Uint64(b[:])); id != 0 && id != stream.Coordinator {
			return id
		}
	}
}

// Replica returns the session's replica.
func (s *Session) Replica() *replica.Replica { return s.follower.replica }

// ID returns the session's number.
func (s *Session) ID() uint64 { return s.id }

// Welcome returns what the coordinator said when we joined. It is not changed.
func (s *Session) Welcome() *wire.WelcomeT {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link.welcome
}

// Ended is closed when the session is over; Err says why.
func (s *Session) Ended() <-chan struct{} { return s.ended }

// Err returns why the session is over, or nil.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close ends the session. What is in flight and could not be confirmed ends as unconfirmed.
func (s *Session) Close() {
	s.end(ErrClosed)
	s.wg.Wait()
}

// end makes the session over, once, and settles everything that waits.
func (s *Session) end(reason error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = reason
	batches := s.out.end(reason)
	s.releaseRoomLocked()
	conn := s.conn
	close(s.ended)
	s.mu.Unlock()
	if conn != nil {
		conn.CloseFor(reason)
	}
	for _, b := range batches {
		state := ErrUnconfirmed
		if !b.everSent {
			state = ErrNotApplied
		}
		b.fail(fmt.Errorf("%w: %w", state, reason))
	}
}
