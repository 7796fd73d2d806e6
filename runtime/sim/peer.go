package sim

import (
	"errors"
	"time"

	"dsss/checkpoint/statedir"
	"dsss/comm"
	"dsss/runtime/coordinator"
)

// A peer is a connection to a coordinator.
type peer struct {
	co      *coord
	e       *end
	conn    *comm.Conn
	p       *coordinator.Peer
	k       *worker // once it said hello
	heard   int64
	writing bool      // the writer is at work
	kind    comm.Kind // of body
	body    []byte    // of a batch for which there is no room yet
	full    bool
	gone    bool
}

// accept takes a connection.
func (co *coord) accept(e *end) {
	p := &peer{co: co, e: e, conn: comm.NewConn(e), heard: co.w.now}
	p.p = co.core.Accept(p.conn)
	co.peers = append(co.peers, p)
	e.arrived = p.read
	e.left = func() {
		if p.writing {
			p.pump()
		}
	}
}

// read handles what has arrived from a peer: up to a few frames in one read.
func (p *peer) read() {
	co, w := p.co, p.co.w
	if p.gone || co.core == nil || co.ending && !p.p.Known() {
		return
	}
	if !p.full {
		if !p.e.readable() {
			return
		}
		p.heard = w.now
		if p.stopsFenced() {
			co.core.Stop(statedir.ErrOwnerLost)
			return
		}
		n := 1
		if p.p.Known() && w.chance(0.3) {
			n += w.rnd.IntN(6)
		}
		p.e.feed(n)
	}
	err := p.burst()
	co.observe()
	switch {
	case err != nil:
		w.logf("loses a connection: %v", err)
		p.lost(err)
	case !p.full && p.e.readable():
		w.after(w.between(0, 5*time.Microsecond), co.proc, p.read)
	}
}

// stopsFenced tells whether a coordinator that was replaced learns of it now: at the latest before it would touch the
// directory.
func (p *peer) stopsFenced() bool {
	if !p.co.fenced {
		return false
	}
	kind := comm.KindBatch
	if frameAt(p.e.staged, 0) > 0 {
		kind = kindAt(p.e.staged, 0)
	}
	return p.co.w.chance(0.1) || kind != comm.KindBatch && kind != comm.KindHeartbeat && kind != comm.KindHello
}

// burst handles the frames that were read, as the reader of a coordinator's connection does.
func (p *peer) burst() (err error) {
	for {
		if !p.full {
			if p.kind, p.body, err = p.conn.Next(); err != nil {
				break
			}
			if p.kind == comm.KindHello {
				err = p.meet()
			}
		}
		p.full = false
		if err == nil {
			err = p.p.Receive(p.kind, p.body)
		}
		if errors.Is(err, coordinator.ErrFull) {
			p.full, err = true, nil
			p.co.w.count("full log")
			break
		}
		if err != nil || !p.conn.Ready() && len(p.e.fed) == 0 {
			break
		}
	}
	p.p.Burst()
	return err
}

// meet notes whose connection this is.
func (p *peer) meet() error {
	hello, err := comm.ParseHello(p.body)
	if err != nil {
		return nil // the coordinator says so
	}
	for _, k := range p.co.w.l.workers {
		if k.sess.ID() == hello.Session {
			p.k = k
			return nil
		}
	}
	if hello.Session != 0 && hello.Session < outsiders {
		return errors.New("a process of before")
	}
	return nil
}

func (p *peer) lost(cause error) {
	p.p.Lost(cause)
	p.p.Release()
	p.gone = true
	p.e.deaf = true
	peers := p.co.peers[:0:0]
	for _, other := range p.co.peers {
		if other != p {
			peers = append(peers, other)
		}
	}
	p.co.peers = peers
}

// pump writes one gathering to a peer, if the network takes it, and goes on while there is something to write.
func (p *peer) pump() {
	co, w := p.co, p.co.w
	if p.gone || !p.writing {
		return
	}
	if !p.p.Pending() {
		p.writing = false
		return
	}
	if len(p.e.under) >= w.mix.window && !p.e.l.broken {
		return // goes on when something has left
	}
	if err := p.p.Write(); err != nil {
		w.logf("cannot write: %v", err)
		w.count("cursor lost its place")
		p.lost(err)
		return
	}
	w.after(w.between(0, 20*time.Microsecond), co.proc, p.pump)
}
