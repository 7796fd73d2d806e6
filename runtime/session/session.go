// Package session is a worker's side of a job: one incarnation of a worker, which numbers its requests, sends them in
// batches, follows the one order with its replica, and comes back when the connection breaks.
//
// # One mutation
//
// Submit appends the encoded call to the batch that gathers and its future behind the others. Whoever finds nobody
// writing writes: a caller that waits for its result does it itself, one that does not leaves it to the flusher, so
// that more may gather. Batches stay in a queue until the replica has applied them; a cursor in that queue says what
// has been written to the present connection, and a reconnect moves it back. The reader applies every batch of the log;
// when one is ours, it is the first in the queue, and its futures get their results.
//
// # Goroutines
//
// A session owns three: the reader (the replica's one writer), the flusher, and the connection's watch. Close waits for
// them.
package session

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/flat"
	"dsss/internal/applying"
	"dsss/internal/limits"
	"dsss/runtime/replica"
)

// The errors that a session's operations end with; see package dsss for their meaning to programs.
var (
	ErrClosed      = errors.New("the job is closed")
	ErrUnconfirmed = errors.New("sent, but not known whether it was applied")
	ErrNotApplied  = errors.New("never sent, not applied")
	ErrResultLost  = errors.New("applied, but its result is lost: this replica was caught up from a checkpoint")
	ErrTooLarge    = flat.ErrTooLarge
	ErrRefused     = errors.New("refused by the coordinator")
	ErrEvicted     = errors.New("evicted: this replica fell too far behind")
	ErrStopped     = errors.New("the job was stopped")
	ErrClass       = replica.ErrClass
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
	// Tail is how many bytes of applied batches the replica remembers for a coordinator that takes over; zero: limits.Tail.
	// It covers what a coordinator may hold in memory alone, and one frame.
	Tail int
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
	cfg     Config
	id      uint64
	replica *replica.Replica
	// Welcome is what the coordinator said first: epoch, run, size.
	welcome *wire.WelcomeT

	// mu guards the sending side and the fate of the session. It is held for moments, never over I/O.
	mu sync.Mutex
	// queue holds our batches that are not applied yet, oldest first. All but the last are closed to further calls;
	// the last may still gather. queue[:cursor] has been written to conn.
	queue   []*outBatch
	cursor  int
	writing bool          // somebody is writing, with mu given up, or rest is set
	rest    *rest         // what a caller began to write and the flusher is to finish; nil: nothing
	flight  int           // calls in queue
	bytes   int           // bytes in queue
	next    uint64        // request number of the next call
	room    chan struct{} // closed when there is room again; nil when nobody waits
	free    []*outBatch   // spent batches, for their storage
	tail    tail          // what a coordinator that takes over may ask for; the reader's, as is dialling
	conn    *comm.Conn    // nil between connections
	err     error         // why nothing more can be submitted
	syncs   map[uint64]*question
	saves   map[uint64]*question
	asked   uint64 // last question's number
	leaving bool   // Leave was called: this worker leaves as soon as it can say so

	// position has the flusher say how far our replica is. The reader does not say so itself: the coordinator may have
	// to write to us before it reads on, and we would wait for each other.
	position bool

	members      members
	armed        []*wire.SaveT // what is wanted at marks to come; the reader's
	writeScratch []*outBatch   // of the one who is writing
	ownScratch   []ownBatch    // of the reader

	stepped bool          // a Stepper does what goroutines would
	kick    chan struct{} // wakes the flusher; it has room for one wake-up
	ended   chan struct{} // closed with err set: the session is over
	wg      sync.WaitGroup
	applied signal // wakes those who wait for a sequence number
}

// Open joins: it connects, restores the replica from the state that the coordinator sends if there is one, and
// starts following the order.
func Open(ctx context.Context, cfg Config) (*Session, error) {
	s := newSession(cfg, newID())
	conn, err := s.dialUntil(ctx)
	if err != nil {
		return nil, err
	}
	s.wg.Add(2)
	go s.read(conn)
	go s.flush()
	return s, nil
}

func newSession(cfg Config, id uint64) *Session {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Tail == 0 {
		cfg.Tail = limits.Tail
	}
	s := &Session{
		cfg: cfg, id: id, replica: replica.New(cfg.Applying), next: 1, tail: tail{most: cfg.Tail},
		syncs: map[uint64]*question{}, saves: map[uint64]*question{},
		kick: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	s.replica.OnExit(func(p *replica.PanicError) {
		s.mu.Lock()
		conn := s.conn
		s.mu.Unlock()
		s.end(s.panicked(conn, p, nil)) // here, because the reader is on its way out
	})
	return s
}

// newID draws a session number that no other incarnation has: 64 random bits, never 0.
func newID() uint64 {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // never fails, see crypto/rand
		if id := binary.LittleEndian.Uint64(b[:]); id != 0 {
			return id
		}
	}
}

// Replica returns the session's replica.
func (s *Session) Replica() *replica.Replica { return s.replica }

// ID returns the session's number.
func (s *Session) ID() uint64 { return s.id }

// Welcome returns what the coordinator said when we joined. It is not changed.
func (s *Session) Welcome() *wire.WelcomeT {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.welcome
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
	queue := s.queue
	s.queue, s.cursor, s.flight, s.bytes = nil, 0, 0, 0
	s.releaseRoomLocked()
	for _, questions := range []map[uint64]*question{s.syncs, s.saves} {
		for id, q := range questions {
			q.settle(answer{err: reason})
			delete(questions, id)
		}
	}
	conn := s.conn
	close(s.ended)
	s.mu.Unlock()
	if conn != nil {
		conn.CloseFor(reason)
	}
	for _, b := range queue {
		state := ErrUnconfirmed
		if !b.everSent {
			state = ErrNotApplied
		}
		b.fail(fmt.Errorf("%w: %w", state, reason))
	}
}

var _ class.Future = (*settled)(nil)

// settled is a future without a result, for calls of the catalog.
type settled struct {
	err  error
	done chan struct{}
}

func (f *settled) Put(err error)  { f.err = err }
func (f *settled) Resolve(uint64) { close(f.done) }

func (f *settled) Fail(err error) {
	f.err = err
	close(f.done)
}
