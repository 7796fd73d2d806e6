package session

import (
	"context"
	"fmt"

	"dsss/class"
	"dsss/comm"
	"dsss/internal/stream"
)

// Begin opens a call of a mutator, waiting while the window is full, and returns the batch so far: the caller appends
// the encoded arguments to it and hands it to Commit, or gives up with Abort. The session is locked in between, so the
// caller does nothing else. An error means that the call was not taken.
//
// Calls of one session are ordered as they were begun.
func (s *Session) Begin(ctx context.Context, object, method uint32) (frame []byte, err error) {
	return s.begin(ctx, stream.Replicated, object, method)
}

func (s *Session) begin(ctx context.Context, domain uint64, object, method uint32) (frame []byte, err error) {
	if err := given(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	for s.err == nil && s.out.full(domain) {
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
	return s.out.begin(domain, object, method), nil
}

// given returns the error of a call whose ctx has ended before it was begun: it is not taken.
func given(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrNotApplied, context.Cause(ctx))
}

// Commit takes the call that Begin opened; frame is what Begin returned with the arguments appended. f, unless it is nil,
// is resolved or failed exactly once, unless Commit returns an error: then the call was not taken, and f was not touched.
// lone says that the caller is about to wait for f, so it may as well write the batch itself.
func (s *Session) Commit(frame []byte, f class.Future, lone bool) error {
	err := s.out.commit(frame, f)
	s.sendLocked(lone)
	s.mu.Unlock()
	return err
}

// Abort gives up the call that Begin opened.
func (s *Session) Abort() {
	s.out.abort()
	s.sendLocked(false) // its batch may hold an acknowledgement, which nobody else has had sent
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

// Merge is Submit for a call that may merge with one that waits to be sent. f may be nil.
func (s *Session) Merge(ctx context.Context, object, method uint32, call Pending, f class.Future, lone bool) error {
	if err := given(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	taken, err := s.out.absorb(object, method, call, f)
	s.mu.Unlock()
	if taken || err != nil {
		return err // whoever was to write the earlier call, or to wake the flusher for it, still is
	}
	frame, err := s.Begin(ctx, object, method)
	if err != nil {
		return err
	}
	err = s.out.merge(frame, object, method, call, f)
	s.sendLocked(lone)
	s.mu.Unlock()
	return err
}

// Full tells whether the window of a domain is, so that Begin, or BeginHosted, would wait.
func (s *Session) Full(domain uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err == nil && s.out.full(domain)
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

// roomLocked lets those go on who wait for a window, if one has room.
func (s *Session) roomLocked() {
	if s.room != nil && (!s.out.full(stream.Replicated) || !s.out.full(stream.Hosted)) {
		s.releaseRoomLocked()
	}
}

func (s *Session) releaseRoomLocked() {
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}

// sendLocked has written what is due. lone: the caller is about to wait for it, so it may as well write.
func (s *Session) sendLocked(lone bool) {
	switch {
	case !s.out.due():
	case lone:
		s.writeLocked(false)
	default:
		s.wake()
	}
}

// wake sends the flusher to look for what is due.
func (s *Session) wake() {
	select {
	case s.kick <- struct{}{}:
	default: // a wake-up is waiting already
	}
}

// flush is the flusher: it writes for those who do not wait.
func (s *Session) flush() {
	defer s.wg.Done()
	for {
		select {
		case <-s.kick:
			s.Write()
		case <-s.ended:
			return
		}
	}
}

// Write writes until nothing is due, or another writes. The flusher calls it when it is woken; of a session without
// goroutines, the owner does, after Woken.
func (s *Session) Write() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.rest != nil || s.out.due() {
		s.writeRestLocked()
		s.writeLocked(true)
	}
}

// Woken tells whether the flusher was woken since it was asked last. It is for the owner of a session without goroutines.
func (s *Session) Woken() bool {
	select {
	case <-s.kick:
		return true
	default:
		return false
	}
}

// A rest is what is left of a write for the flusher.
type rest struct {
	*comm.Rest
	conn   *comm.Conn
	parcel parcel
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
	s.out.wrote(r.parcel)
}

// writeLocked writes what is due in one go, giving up mu over the write. Without wait, what the connection does not take
// at once is left to the flusher, as is what gathered meanwhile.
func (s *Session) writeLocked(wait bool) {
	if !s.out.due() {
		return
	}
	p, conn := s.out.take(s.follower.replica.Applied()), s.conn
	s.mu.Unlock()
	left := p.put(conn)
	if wait && left != nil {
		conn.FinishWrite(left)
		left = nil
	}
	s.mu.Lock()
	if left == nil {
		s.out.wrote(p)
		s.sendLocked(false)
		return
	}
	s.rest = &rest{left, conn, p}
	if s.err != nil { // the flusher may have ended, and the connection is closed: nothing waits
		s.writeRestLocked()
		return
	}
	s.wake()
}

// put writes the frames as far as the connection takes them without waiting, and returns what is left. A broken connection
// shows to the reader.
func (p parcel) put(conn *comm.Conn) (left *comm.Rest) {
	if len(p.messages) > 0 {
		left = conn.WriteNow(p.messages)
	}
	for _, b := range p.batches {
		if left == nil {
			left = conn.WriteNow(b.frame)
		} else {
			left.With(b.frame)
		}
	}
	switch {
	case len(p.queries) == 0:
	case left == nil:
		left = conn.WriteNow(p.queries)
	default:
		left.With(p.queries)
	}
	return left
}
