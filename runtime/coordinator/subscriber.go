package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dsss/checkpoint/wal"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
)

// A subscriber is a connected replica, a worker's or the keeper's: a cursor on the log that writes to a connection.
type subscriber struct {
	c    *coordinator
	conn *comm.Conn
	role wire.Role
	rank int32
	pid  int32
	// incarnation is which start of a process this is, as the launcher counts; 0 without one. Rank and incarnation name a process
	// to the launcher, a process id does not: two nodes have the same ones.
	incarnation uint64
	session     uint64
	// patient cursors let batches gather for limits.Patience: nobody waits for the keeper.
	patient bool

	// next is the sequence number wanted next. It moves under the connection's write side only.
	next atomic.Uint64
	// applied is how far the replica says it is.
	applied atomic.Uint64
	wake    chan struct{} // room for one wake-up of the writer

	omu    sync.Mutex // guards outbox
	outbox [][]byte   // control frames to send before more of the log
	posted atomic.Bool

	// Under the connection's write side: scratch and the disk reader of a cursor that is behind the memory.
	entries []entry
	bufs    net.Buffers
	behind  *wal.Reader
	reached uint64 // sequence number that behind comes to next

	asked atomic.Bool // ask is not nil
	ask   *donation   // the state that it was asked for; nil when none is. Guarded by c.mu
	left  bool        // said Leave; guarded by c.mu
	gone  bool        // its process has ended, says Control; guarded by c.mu
	// rivals are other sessions that want its rank, and since when; guarded by c.mu.
	rivals map[uint64]time.Time
}

// post hands a control frame to the writer. A peer that lets limits.Outbox of them pile up is cut off.
func (s *subscriber) post(frame []byte) {
	s.omu.Lock()
	over := len(s.outbox) >= limits.Outbox
	if !over {
		s.outbox = append(s.outbox, frame)
	}
	s.omu.Unlock()
	if over {
		s.conn.CloseFor(fmt.Errorf("it does not read its messages: %d wait", limits.Outbox))
		return
	}
	s.posted.Store(true)
	s.poke()
}

func (s *subscriber) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// pending tells whether there is something to write. It may be wrong for a moment towards true.
func (s *subscriber) pending() bool { return s.posted.Load() || s.next.Load() <= s.c.gate.Load() }

// write is the writer goroutine: it writes what gathered, until the connection is closed.
func (s *subscriber) write() {
	defer s.c.wg.Done()
	for {
		select {
		case <-s.wake:
		case <-s.conn.Closed():
			s.conn.Lock()
			s.closeBehind()
			s.conn.Unlock()
			return
		}
		if s.patient && !s.posted.Load() {
			time.Sleep(limits.Patience)
		}
		for s.pending() {
			s.conn.Lock()
			err := s.pump()
			s.conn.Unlock()
			if err != nil {
				s.conn.CloseFor(err)
				break
			}
		}
	}
}

// writeNow is for the reader of the same connection: it writes, unless somebody else does. That may be the writer, which
// looks again afterwards, or a heartbeat, which does not: so the writer is told in any case.
func (s *subscriber) writeNow() {
	for s.pending() {
		if s.asked.Load() { // the peer may read nothing while it sends its state, and we are the one who reads that
			s.poke()
			return
		}
		if !s.conn.TryLock() {
			s.poke()
			return
		}
		err := s.pump()
		s.conn.Unlock()
		if err != nil {
			s.conn.CloseFor(err)
			return
		}
	}
}

// pump writes one gathering: control frames, then log. The write side is held.
//
// What was posted before a batch was ordered goes out before it: so the log is read first, and then the outbox, which
// has by then what was posted before.
func (s *subscriber) pump() error {
	bufs := s.bufs[:0]
	c := s.c
	next := s.next.Load()
	c.mu.Lock()
	entries, inMemory := c.mem.read(next, c.seq.Gate(), s.entries[:0])
	c.mu.Unlock()
	if !inMemory {
		var err error
		if bufs, next, err = s.fromDisk(bufs, next); err != nil {
			return err
		}
	}
	for i := range entries {
		bufs = append(bufs, entries[i].frame)
		next = entries[i].last() + 1
	}
	if s.posted.Swap(false) {
		s.omu.Lock()
		bufs = slices.Insert(bufs, 0, s.outbox...)
		s.outbox = s.outbox[:0]
		s.omu.Unlock()
	}
	s.bufs = bufs
	if len(bufs) == 0 {
		return nil
	}
	err := s.conn.GatherLocked(&bufs)
	s.next.Store(next)
	clear(s.bufs)
	clear(entries)
	s.entries = entries[:0]
	c.mu.Lock()
	if c.waiting > 0 {
		c.trimLocked()
	}
	c.mu.Unlock()
	return err
}

// fromDisk gathers from the log on disk, for a cursor that has fallen behind the memory. Everything that memory has
// lost is on disk, so the disk's end reaches into memory. The reader stays open behind a cursor that is in memory again,
// because to find a place in the log anew is to read a segment from its beginning.
func (s *subscriber) fromDisk(bufs net.Buffers, next uint64) (net.Buffers, uint64, error) {
	if s.behind != nil && next-s.reached > limits.Reread {
		s.closeBehind()
	}
	kept := s.behind != nil
	bytes := 0
	for bytes < limits.WriteGather && len(bufs) < limits.WriteEntries {
		if s.behind == nil {
			r, err := s.c.log.Read(next)
			if err != nil {
				return bufs, next, s.evicted(err)
			}
			s.behind, s.reached = r, next
		}
		rec, err := s.behind.Next()
		if err != nil && bytes == 0 && kept {
			kept = false
			s.closeBehind() // the log may have begun anew behind a checkpoint since it was opened
			continue
		}
		if err == io.EOF && bytes > 0 {
			break
		}
		if err == io.EOF {
			err = errors.New("it is neither in memory nor on disk")
		}
		if err != nil {
			return bufs, next, s.evicted(err)
		}
		s.reached = rec.First + uint64(rec.Count)
		if s.reached <= next {
			continue // it was read from memory
		}
		frame := append([]byte(nil), rec.Data...)
		bufs = append(bufs, frame)
		bytes += len(frame)
		next = s.reached
	}
	return bufs, next, nil
}

func (s *subscriber) closeBehind() {
	if s.behind != nil {
		_ = s.behind.Close() // it was only read
		s.behind = nil
	}
}

// evicted ends the connection of a cursor whose place the log no longer has. The replica comes again and is caught up
// from a checkpoint, if there is one ahead of it.
func (s *subscriber) evicted(cause error) error {
	next := s.next.Load()
	s.c.mu.Lock()
	saved := s.c.saves.last
	s.c.mu.Unlock()
	reason := fmt.Sprintf("the log no longer holds what follows sequence number %d", next-1)
	if saved >= next {
		return fmt.Errorf("%s, the checkpoint at %d does: %w", reason, saved, cause)
	}
	_ = s.conn.WriteLocked(comm.Frame(comm.KindStop, &wire.StopT{Reason: reason, Evicted: true}))
	return fmt.Errorf("evicted: %s: %w", reason, cause)
}

// drain waits until the writer has written all that there is, or the peer is gone or too slow, and closes.
func (s *subscriber) drain() {
	s.c.wg.Add(1)
	go func() {
		defer s.c.wg.Done()
		late, cancel := comm.WithPatience(context.Background(), limits.Drain)
		defer cancel()
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for s.pending() {
			s.poke()
			select {
			case <-tick.C:
			case <-s.conn.Closed():
				return
			case <-late.Done():
				s.conn.CloseFor(errors.New("the job ended"))
				return
			}
		}
		s.settle()
		// The peer reads to the end and hangs up itself; if it does not, we do.
		select {
		case <-s.conn.Closed():
		case <-late.Done():
			s.conn.CloseFor(errors.New("the job ended"))
		}
	}()
}

// settle returns when what was taken from the log last has been written.
func (s *subscriber) settle() {
	s.conn.Lock()
	defer s.conn.Unlock()
}

// wake tells every cursor but one that there is more to read.
func (c *coordinator) wake(but *subscriber) {
	if all := c.everyone.Load(); all != nil {
		for _, s := range *all {
			if s != but {
				s.poke()
			}
		}
	}
	if d := c.disk; d != nil {
		d.poke()
	}
}
