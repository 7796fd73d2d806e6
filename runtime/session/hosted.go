package session

import (
	"context"
	"fmt"

	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/stream"
	"dsss/runtime/replica"
)

// OpenHosted makes the hosted object exist, and returns its id once there is a host.
func (s *Session) OpenHosted(ctx context.Context, name, className string) (object uint32, err error) {
	o, err := s.open(ctx, name, className, true)
	if err != nil {
		return 0, err
	}
	s.Hosting()
	_, _, err = s.AskHost(ctx, o.ID, 0, nil)
	return o.ID, err
}

// Hosting has results acknowledged from now on. The replica knows of a hosted object. It is for those who cannot wait for OpenHosted.
func (s *Session) Hosting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.results = s.follower.replica.Object(replica.ResultsName).ID
}

// BeginHosted is Begin for a mutator of a hosted object.
func (s *Session) BeginHosted(ctx context.Context, object, method uint32) (frame []byte, err error) {
	return s.begin(ctx, stream.Hosted, object, method)
}

// CommitHosted is Commit for a call that BeginHosted opened: f is resolved with what the host answers.
func (s *Session) CommitHosted(frame []byte, f class.Receiver, lone bool) error {
	return s.Commit(frame, f, lone)
}

// AskHost asks the host what a getter of an object returns: its encoded result, or the text of its error. The host answers once it
// has applied all that was ordered before the question came.
func (s *Session) AskHost(ctx context.Context, object, query uint32, args []byte) (data []byte, failed string, err error) {
	p, err := s.wait(ctx, s.AskQuery(object, query, args))
	switch {
	case err != nil:
		return nil, "", err
	case p.Outcome == wire.OutcomeFailed:
		return nil, string(p.Data), nil
	}
	return p.Data, "", nil
}

// AskQuery begins AskHost, for those who cannot wait.
func (s *Session) AskQuery(object, query uint32, args []byte) *Question {
	x := &Question{kind: comm.KindQuery, done: make(chan struct{}), query: wire.QueryT{Object: object, Method: query, Args: args}}
	return s.put(x, 0, false)
}

// answered takes what hosted calls of ours returned.
func (s *Session) answered(m *resultOf) error {
	s.mu.Lock()
	out, err := s.out.answered(m)
	s.mu.Unlock()
	settle(out)
	if err != nil {
		return fmt.Errorf("%w: %w", comm.ErrProtocol, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roomLocked()
	s.settleLocked()
	s.sendLocked(false)
	return nil
}
