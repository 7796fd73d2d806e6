package session

import (
	"dsss/comm"
	"dsss/comm/wire"
)

// A Stepper is a session whose goroutines its owner stands in for, as coordinator.Stepper is a coordinator. The owner
// makes the connections; everything else that a session decides is decided by the code that Open runs. It is for one
// goroutine, and its connections take every write without waiting.
//
// Of the methods of the Session, Begin, Commit, Submit, Replica, ID, Welcome, Ended and Err may be used; the others wait.
type Stepper struct{ *Session }

// NewStepper makes a session of that number, which has not joined yet.
func NewStepper(cfg Config, id uint64) Stepper {
	s := newSession(cfg, id)
	s.stepped = true
	return Stepper{s}
}

// Hello is what the session says first on a new connection.
func (s Stepper) Hello() *wire.HelloT { return s.hello() }

// Recall answers a coordinator that takes over, before the Welcome.
func (s Stepper) Recall(conn *comm.Conn, first uint64) error { return s.recall(conn, first) }

// Welcomed takes the Welcome of a connection, and from the connection the state that it promises. On an error the
// connection is closed.
func (s Stepper) Welcomed(conn *comm.Conn, welcome *wire.WelcomeT) error {
	return s.welcomed(conn, welcome)
}

// Refused takes what went wrong before or with a Welcome, and tells whether the session is over with it.
func (s Stepper) Refused(err error) (over bool) {
	if reason := hopeless(err); reason != nil {
		s.end(reason)
		return true
	}
	return false
}

// Read handles what has arrived on the session's connection: one frame, and batches behind it.
func (s Stepper) Read(conn *comm.Conn) error { return s.followOne(conn) }

// Broken says that the session's connection cannot be read any more, and tells whether the session is over with it. If it
// is not, its owner makes another.
func (s Stepper) Broken(conn *comm.Conn, err error) (over bool) { return s.broken(conn, err) }

// GiveUp ends the session for a reason, as one that cannot come back does.
func (s Stepper) GiveUp(reason error) { s.end(reason) }

// Woken tells whether the flusher has been woken since it was asked last.
func (s Stepper) Woken() bool {
	select {
	case <-s.kick:
		return true
	default:
		return false
	}
}

// Write does what the flusher does when it is woken.
func (s Stepper) Write() { s.writePending() }

// Heartbeat writes a sign of life.
func (s Stepper) Heartbeat(conn *comm.Conn) { _ = conn.Write(s.heartbeat()) } // a broken connection shows to the reader
