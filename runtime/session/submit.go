package session

import (
	"context"
	"fmt"
	"net"

	"dsss/class"
	"dsss/comm"
	"dsss/internal/limits"
	"dsss/runtime/replica"
)

// An outBatch is a batch of ours between its first call and its application.
type outBatch struct {
	frame   []byte
	request uint64
	futures []class.Future
	pending []pendingCall // at the end of the frame, that later calls may merge into
	// closed: no more calls are added. It is closed before it is first written, and its frame never changes then:
	// a resent batch is the same bytes, which is what lets the sequencer recognise it.
	closed bool
	// everSent: it may have reached the coordinator.
	everSent bool
	// written: the write that carried it has returned, so its storage may be used again.
	written bool
}

// fail fails what waits for the batch's calls.
func (b *outBatch) fail(err error) {
	for _, f := range b.futures {
		if f != nil {
			f.Fail(err)
		}
	}
}

// last returns the request number of the batch's last call.
func (b *outBatch) last() uint64 { return b.request + uint64(len(b.futures)) - 1 }

// Begin opens a call of a mutator, waiting while the window is full, and returns the batch so far: the caller appends
// the encoded arguments to it and hands it to Commit, or gives up with Abort. The session is locked in between, so the
// caller does nothing else. An error means that the call was not taken.
//
// Calls of one session are ordered as they were begun.
func (s *Session) Begin(ctx context.Context, object, method uint32) (frame []byte, err error) {
	if err := given(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	for s.err == nil && (s.flight >= limits.Window || s.bytes >= limits.WindowBytes) {
		if err := s.waitRoomLocked(ctx); err != nil {
			s.mu.Unlock()
			return nil, err
		}
	}
	if s.err != nil {
		err := s.err
		s.mu.Unlock()
		return nil, fmt.Errorf("%w: %w", ErrNotApplied, err)
	}
	return comm.BeginCall(s.gatheringLocked().frame, object, method), nil
}

// given returns the error of a call whose ctx has ended before it was begun: it is not taken.
func given(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrNotApplied, context.Cause(ctx))
}

// Commit takes the call that Begin opened; frame is what Begin returned with the arguments appended. f, unless it is nil,
// is resolved or failed exactly once, unless Commit returns an error: then the call was not taken, and f was not touched. lone says
// that the caller is about to wait for f, so it may as well write the batch itself.
func (s *Session) Commit(frame []byte, f class.Future, lone bool) error {
	b := s.queue[len(s.queue)-1]
	before := len(b.frame)
	if size := len(frame) - before; size > limits.Call {
		s.Abort()
		return tooLarge(size)
	}
	b.frame = comm.EndCall(frame, before)
	b.futures = append(b.futures, f)
	s.next++
	s.flight++
	s.bytes += len(b.frame) - before
	switch {
	case s.writing || s.conn == nil:
		// Whoever writes looks again when done; a new connection looks as well.
	case lone:
		s.writeLocked(false)
	default:
		s.wake()
	}
	s.mu.Unlock()
	return nil
}

func tooLarge(size int) error {
	return fmt.Errorf("%w: %w: %d bytes, at most %d fit", ErrNotApplied, ErrTooLarge, size, limits.Call)
}

// Abort gives up the call that Begin opened.
func (s *Session) Abort() {
	if n := len(s.queue) - 1; len(s.queue[n].futures) == 0 {
		s.queue = s.queue[:n] // it was begun for this call
	}
	s.mu.Unlock()
}

// Submit is Begin and Commit for arguments that are encoded already; args is copied.
func (s *Session) Submit(ctx context.Context, object, method uint32, args []byte, f class.Future, lone bool) error {
	frame, err := s.Begin(ctx, object, method)
	if err != nil {
		return err
	}
	return s.Commit(append(frame, args...), f, lone)
}

// gatheringLocked returns the batch at the end of the queue if it still gathers, or starts one.
func (s *Session) gatheringLocked() *outBatch {
	if n := len(s.queue); n > 0 {
		if b := s.queue[n-1]; !b.closed && len(b.frame) < limits.BatchAim {
			return b
		}
		s.closeLocked(s.queue[n-1])
	}
	var b *outBatch
	if n := len(s.free); n > 0 {
		b, s.free = s.free[n-1], s.free[:n-1]
	} else {
		b = &outBatch{}
	}
	*b = outBatch{frame: comm.BeginBatch(b.frame), request: s.next, futures: b.futures[:0], pending: b.pending[:0]}
	s.queue = append(s.queue, b)
	return b
}

func (s *Session) closeLocked(b *outBatch) {
	if !b.closed {
		b.closed = true
		comm.FinishBatch(b.frame, s.id, b.request, uint32(len(b.futures)))
	}
}

// waitRoomLocked gives up mu while it waits for the window to open.
func (s *Session) waitRoomLocked(ctx context.Context) error {
	if s.room == nil {
		s.room = make(chan struct{})
	}
	room := s.room
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-room:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNotApplied, context.Cause(ctx))
	}
}

func (s *Session) releaseRoomLocked() {
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}

// wake sends the flusher to look behind the cursor.
func (s *Session) wake() {
	select {
	case s.kick <- struct{}{}:
	default: // a wake-up is waiting already
	}
}

// pendingLocked tells whether there is something to write and nobody who does.
func (s *Session) pendingLocked() bool {
	return !s.writing && s.cursor < len(s.queue) && s.conn != nil && s.err == nil
}

// flush is the flusher: it writes for those who do not wait.
func (s *Session) flush() {
	defer s.wg.Done()
	for {
		select {
		case <-s.kick:
		case <-s.ended:
			return
		}
		s.writePending()
	}
}

// writePending writes until there is nothing to write, or another does.
func (s *Session) writePending() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.rest != nil || s.pendingLocked() || s.position {
		s.writeRestLocked()
		s.writePositionLocked()
		s.writeLocked(true)
	}
}

// writeRestLocked finishes a write that a caller began and the connection would have made wait, giving up mu over it.
func (s *Session) writeRestLocked() {
	r := s.rest
	if r == nil {
		return
	}
	s.rest = nil
	s.mu.Unlock()
	r.conn.FinishWrite(r.Rest)
	s.mu.Lock()
	s.wroteLocked(r.batches)
}

// A rest is what is left of a write for the flusher; writing is true until it is done.
type rest struct {
	*comm.Rest
	conn    *comm.Conn
	batches []*outBatch
}

// writePositionLocked says how far our replica is if that is due, giving up mu over the write.
func (s *Session) writePositionLocked() {
	conn, due := s.conn, s.position
	s.position = false
	if due && conn != nil {
		s.mu.Unlock()
		_ = conn.Write(s.heartbeat()) // a broken connection shows to the reader
		s.mu.Lock()
	}
}

// writeLocked writes everything behind the cursor in one go, giving up mu over the write. writing is false before and true
// while mu is given up, so there is one writer at a time; it is false after unless the write is not done: without wait, what a
// connection does not take at once is left to the flusher, as is what gathered meanwhile.
func (s *Session) writeLocked(wait bool) {
	if !s.pendingLocked() {
		return
	}
	s.writing = true
	conn := s.conn
	batches := append(s.writeScratch[:0], s.queue[s.cursor:]...)
	for _, b := range batches {
		s.closeLocked(b)
		b.everSent = true
		b.written = false // not on this connection: it may be applied, but not reused, before the write returns
	}
	s.cursor = len(s.queue)
	s.mu.Unlock()

	// A failed write needs no handling here: the reader sees the connection break, and the cursor is moved back.
	var left *comm.Rest
	if wait {
		put(conn, batches)
	} else {
		left = putNow(conn, batches)
	}
	s.mu.Lock()
	if left == nil {
		s.wroteLocked(batches)
		return
	}
	s.rest = &rest{left, conn, batches}
	if s.err != nil { // the flusher may have ended, and the connection is closed: nothing waits
		s.writeRestLocked()
		return
	}
	s.wake()
}

// putNow writes the batches' frames as far as the connection takes them without waiting, and returns what is left.
func putNow(conn *comm.Conn, batches []*outBatch) *comm.Rest {
	for i, b := range batches {
		if left := conn.WriteNow(b.frame); left != nil {
			for _, b := range batches[i+1:] {
				left.With(b.frame)
			}
			return left
		}
	}
	return nil
}

// put writes the batches' frames.
func put(conn *comm.Conn, batches []*outBatch) {
	if len(batches) == 1 {
		_ = conn.Write(batches[0].frame)
		return
	}
	bufs := make(net.Buffers, len(batches))
	for i, b := range batches {
		bufs[i] = b.frame
	}
	conn.Lock()
	defer conn.Unlock()
	_ = conn.GatherLocked(&bufs)
}

// wroteLocked notes that a write has returned.
func (s *Session) wroteLocked(batches []*outBatch) {
	for i, b := range batches {
		b.written = true
		batches[i] = nil
	}
	s.writeScratch = batches[:0]
	s.writing = false
	if s.pendingLocked() {
		s.wake()
	}
}

// take removes our batch that begins with request from the queue, because the replica is about to apply it.
func (s *Session) take(request uint64, count uint32) (*outBatch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	if len(s.queue) == 0 || s.queue[0].request != request || len(s.queue[0].futures) != int(count) {
		return nil, fmt.Errorf("%w: a batch of ours that we did not send: %d calls from request %d", replica.ErrOrder, count, request)
	}
	b := s.queue[0]
	s.queue = s.queue[1:]
	if s.cursor > 0 {
		s.cursor--
	}
	return b, nil
}

// spent accounts for a batch whose futures have been resolved.
func (s *Session) spent(b *outBatch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight -= len(b.futures)
	s.bytes -= len(b.frame) - comm.EmptyBatch
	clear(b.futures)
	clear(b.pending)
	if b.written && cap(b.frame) <= 2*limits.BatchAim && len(s.free) < 16 {
		s.free = append(s.free, b)
	}
	if s.flight < limits.Window && s.bytes < limits.WindowBytes {
		s.releaseRoomLocked()
	}
}
