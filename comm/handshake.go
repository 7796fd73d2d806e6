package comm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dsss/comm/wire"
	"dsss/flat"
	"dsss/internal/limits"
)

// A RefusedError says that the other side refused the connection, and why. Trying again does not help, unless Code is
// wire.RefusalBusy.
type RefusedError struct {
	Code   wire.Refusal
	Reason string
}

// Error gives the reason as the refusing side put it.
func (e *RefusedError) Error() string { return e.Reason }

// Greet dials addr, says hello and returns the connection once it is welcome. A coordinator that takes over may ask
// first for the batches from a sequence number on: recall sends them, and may be nil when there are none. The error
// is a *RefusedError when the other side refused. When ctx ends, so does the greeting.
func Greet(ctx context.Context, network Network, addr string, hello *wire.HelloT, recall func(c *Conn, first uint64) error) (*Conn, *wire.WelcomeT, error) {
	nc, err := network.Dial(addr)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting to the coordinator at %s: %w", addr, err)
	}
	c := NewConn(nc)
	stop := context.AfterFunc(ctx, func() { c.CloseFor(context.Cause(ctx)) })
	welcome, err := c.greet(hello, recall)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		c.CloseFor(err)
		return nil, nil, err
	}
	c.Raise()
	return c, welcome, nil
}

func (c *Conn) greet(hello *wire.HelloT, recall func(c *Conn, first uint64) error) (*wire.WelcomeT, error) {
	if err := c.SayHello(hello); err != nil {
		return nil, err
	}
	for {
		if welcome, err := c.NextAnswer(recall); welcome != nil || err != nil {
			return welcome, err
		}
	}
}

// SayHello sends the first frame of a connection that was dialled. NextAnswer follows.
func (c *Conn) SayHello(hello *wire.HelloT) error {
	hello.Version = Version
	frame := Frame(KindHello, hello)
	if n := len(frame) - HeaderSize; n > limits.HelloFrame {
		// The other side would hang up without a word, as on any stranger who sends too much.
		return &RefusedError{Code: wire.RefusalClasses, Reason: fmt.Sprintf("the program's %d classes have names and ids of %d bytes, of which at most %d can be said in a Hello: make the program of fewer packages with classes", len(hello.Classes), n, limits.HelloFrame)}
	}
	return c.Write(frame)
}

// NextAnswer reads the next frame of the answer to Hello. It returns the Welcome, or nil when it was a Recall, which recall
// has answered; then NextAnswer is called again. The error is a *RefusedError when the other side refused.
func (c *Conn) NextAnswer(recall func(c *Conn, first uint64) error) (*wire.WelcomeT, error) {
	// No deadline short of Silence: a coordinator that reads a checkpoint first lets us wait.
	c.SetReadDeadline(time.Now().Add(limits.Silence))
	defer c.SetReadDeadline(time.Time{})
	kind, body, err := c.Next()
	if err != nil {
		return nil, err
	}
	switch kind {
	case KindWelcome:
		return ParseWelcome(body)
	case KindRefuse:
		r, err := ParseRefuse(body)
		if err != nil {
			return nil, err
		}
		return nil, &RefusedError{Code: r.Code, Reason: r.Reason}
	case KindRecall:
		m, err := ParseRecall(body)
		if err == nil && recall == nil {
			err = fmt.Errorf("%w: Recall to one who has no replica", ErrProtocol)
		}
		if err == nil {
			err = recall(c, m.First)
		}
		return nil, err
	}
	return nil, fmt.Errorf("%w: %v in answer to Hello", ErrProtocol, kind)
}

// FirstHello verifies the first frame of a connection that was accepted, and returns values of its own. Of a Hello of another
// version maybe no more than that is known.
func FirstHello(kind Kind, body []byte) (*wire.HelloT, error) {
	if kind != KindHello {
		return nil, fmt.Errorf("%w: %v before Hello", ErrProtocol, kind)
	}
	h, err := ParseHello(body)
	if version, ok := helloVersion(body); err != nil && ok && version != Version {
		return &wire.HelloT{Version: version}, nil // all that can be said of it
	}
	if err != nil {
		return nil, err
	}
	if len(h.Classes) > limits.Classes {
		return nil, fmt.Errorf("%w: Hello with %d classes, at most %d are allowed", ErrProtocol, len(h.Classes), limits.Classes)
	}
	return h, nil
}

// helloVersion reads the version from a Hello that may be of any version.
func helloVersion(body []byte) (version uint16, ok bool) {
	v := flat.New(body)
	v.Root().Scalar(0, 2)
	if v.Err() != nil {
		return 0, false
	}
	return wire.GetRootAsHello(body, 0).Version(), true
}

// Control is the launcher's connection to the coordinator, or an Operator's: commands out, events in.
type Control struct {
	conn *Conn
	done chan struct{}
	// Run and Epoch are what the coordinator said in its Welcome.
	Run, Epoch uint64
}

// DialControl connects as Control of the named job, which has one at a time; the job ends with it.
func DialControl(network Network, addr, job string, token []byte) (*Control, error) {
	return dialControl(network, addr, &wire.HelloT{Role: wire.RoleControl, Job: job, Token: token})
}

// DialOperator connects as one of any number of Operators of the named job, which see its events and may call
// Checkpoint, Grow and Shrink.
func DialOperator(network Network, addr, job string, token []byte) (*Control, error) {
	return dialControl(network, addr, &wire.HelloT{Role: wire.RoleOperator, Job: job, Token: token})
}

func dialControl(network Network, addr string, hello *wire.HelloT) (*Control, error) {
	conn, w, err := Greet(context.Background(), network, addr, hello, nil)
	if err != nil {
		return nil, err
	}
	c := &Control{conn: conn, done: make(chan struct{}), Run: w.Run, Epoch: w.Epoch}
	go func() {
		defer close(c.done)
		conn.Watch(limits.Silence, limits.Silence, func() []byte { return Frame(KindHeartbeat, &wire.HeartbeatT{}) })
	}()
	return c, nil
}

// Next returns the next event. One goroutine calls it, all the time: events that are not read are lost beyond
// limits.Events. io.EOF means that the coordinator ended the connection.
func (c *Control) Next() (*wire.EventT, error) {
	for {
		kind, body, err := c.conn.Next()
		if err != nil {
			return nil, err
		}
		switch kind {
		case KindEvent:
			return ParseEvent(body)
		case KindHeartbeat:
		case KindStop:
			s, err := ParseStop(body)
			if err != nil {
				return nil, err
			}
			return nil, errors.New(s.Reason)
		default:
			return nil, fmt.Errorf("%w: %v to Control", ErrProtocol, kind)
		}
	}
}

// Finish ends the job: the coordinator has the keeper write a last checkpoint if anything happened since the last
// one, notes status ("finished", "interrupted", "failed") in the state directory, stops the keeper and reports
// Finished. Workers should be gone by then.
func (c *Control) Finish(status string) error {
	return c.conn.Send(KindCommand, &wire.CommandT{Verb: wire.VerbFinish, Status: status})
}

// FinishUnsaved is Finish without a last checkpoint, when no keeper can write one. It may follow on Finish.
func (c *Control) FinishUnsaved(status string) error {
	return c.conn.Send(KindCommand, &wire.CommandT{Verb: wire.VerbFinish, Status: status, Count: 1})
}

// Checkpoint asks for a checkpoint now; its event tells when it is written.
func (c *Control) Checkpoint() error {
	return c.conn.Send(KindCommand, &wire.CommandT{Verb: wire.VerbCheckpoint})
}

// Gone says that an incarnation of rank has ended, -1 being the keeper: a coordinator that recovers does not wait
// for it. Of a later incarnation, which may have joined already, it says nothing. Incarnation 0 is whichever there
// is.
func (c *Control) Gone(rank int, incarnation uint64) error {
	return c.conn.Send(KindCommand, &wire.CommandT{Verb: wire.VerbGone, Rank: int32(rank), Incarnation: incarnation})
}

// Grow asks the launcher for count more workers. It is an Operator's.
func (c *Control) Grow(count int) error {
	return c.conn.Send(KindCommand, &wire.CommandT{Verb: wire.VerbGrow, Count: uint32(count)})
}

// Shrink asks the launcher to end the worker of rank. It is an Operator's.
func (c *Control) Shrink(rank int) error {
	return c.conn.Send(KindCommand, &wire.CommandT{Verb: wire.VerbShrink, Rank: int32(rank)})
}

// Close ends the connection.
func (c *Control) Close() {
	c.conn.Close()
	<-c.done
}
