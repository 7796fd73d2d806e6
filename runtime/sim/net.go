package sim

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"time"

	"dsss/comm"
)

// A link is a connection: two streams, each of which delivers in order what was written to it, later. When it breaks,
// any part of what is under way still arrives, and each side learns of the end in its own time.
type link struct {
	w      *world
	id     uint64
	ends   [2]*end // the one that dialled first
	broken bool
}

// An end is one process's side of a link. It is the net.Conn beneath a comm.Conn: it takes every write at once, and
// reading finds what was fed, which is not more than whole frames but at the end of the stream.
type end struct {
	l        *link
	p        *proc
	other    *end
	closed   bool      // by this side
	deadline time.Time // of its reads

	under  []*parcel // written by this side and not yet delivered
	lastAt int64     // when the last of them arrives

	staged []byte // delivered to this side and not yet fed
	fed    []byte
	over   bool // nothing more will be delivered
	deaf   bool // the process does not care any more

	arrived func() // the process's: something was delivered, or the stream has ended
	left    func() // the process's: a parcel of its own has arrived
}

type parcel struct {
	data []byte
	lost bool
}

// connect makes a link between two processes.
func (w *world) connect(from, to *proc) (dialled, accepted *end) {
	w.made++
	l := &link{w: w, id: w.made}
	l.ends[0], l.ends[1] = &end{l: l, p: from}, &end{l: l, p: to}
	l.ends[0].other, l.ends[1].other = l.ends[1], l.ends[0]
	from.links, to.links = append(from.links, l), append(to.links, l)
	return l.ends[0], l.ends[1]
}

// delay is how long a parcel takes from now on.
func (w *world) delay(a, b *proc) time.Duration {
	d := w.between(w.mix.latency/2, w.mix.latency) + time.Duration(w.rnd.Int64N(1000))
	if !w.calm && w.chance(w.mix.slow) {
		d += w.around(20 * w.mix.latency)
	}
	if until := max(a.apart, b.apart); until > w.now {
		d += time.Duration(until - w.now)
	}
	return d
}

func (e *end) Write(p []byte) (int, error) {
	if e.closed {
		return 0, net.ErrClosed
	}
	if e.l.broken {
		return len(p), nil // the kernel took it, and nobody will ever have it
	}
	w := e.l.w
	pc := &parcel{data: append([]byte(nil), p...)}
	e.under = append(e.under, pc)
	if size := uint64(len(p)); frameAt(p, 0) == 0 || kindAt(p, 0) != comm.KindPanic { // which holds a stack: no two are alike
		w.note("send", e.l.id, size, 0)
	}
	e.lastAt = max(e.lastAt+1, w.now+int64(w.delay(e.p, e.other.p)))
	w.after(time.Duration(e.lastAt-w.now), nil, func() { e.deliver(pc) })
	return len(p), nil
}

// deliver brings the oldest parcel to the other side.
func (e *end) deliver(pc *parcel) {
	e.under = e.under[1:]
	to := e.other
	if !pc.lost && to.p.alive && !to.closed {
		to.staged = append(to.staged, pc.data...)
		to.tell()
	}
	if e.p.alive && e.left != nil {
		e.l.w.after(0, e.p, e.left)
	}
}

// tell lets the process know that there is something to read.
func (e *end) tell() {
	if e.p.alive && !e.deaf && e.arrived != nil {
		e.l.w.after(0, e.p, e.arrived)
	}
}

// finish ends the stream to the other side behind what is under way, in at least d.
func (e *end) finish(d time.Duration) {
	w := e.l.w
	e.lastAt = max(e.lastAt+1, w.now+int64(d))
	w.after(time.Duration(e.lastAt-w.now), nil, func() {
		if !e.other.over {
			e.other.over = true
			e.other.tell()
		}
	})
}

// sever breaks the link because one of its processes died: what it wrote may arrive, as far as it does.
func (l *link) sever(dead *proc) {
	for _, e := range l.ends {
		if e.p == dead {
			e.loseSome()
			e.finish(l.w.around(l.w.mix.notice))
		}
	}
	l.broken = true
}

// cut breaks the link in both directions.
func (l *link) cut() {
	if l.broken {
		return
	}
	l.broken = true
	l.w.note("cut", l.id, 0, 0)
	for _, e := range l.ends {
		e.loseSome()
		e.finish(l.w.around(l.w.mix.notice))
	}
}

// loseSome loses the end of what is under way.
func (e *end) loseSome() {
	if len(e.under) == 0 || e.l.broken {
		return
	}
	r := e.l.w.rnd
	keep := r.IntN(len(e.under) + 1)
	for i, pc := range e.under[keep:] {
		if i == 0 && r.IntN(2) == 0 {
			pc.data = pc.data[:int(r.Float64()*float64(len(pc.data)))]
		} else {
			pc.lost = true
		}
	}
}

// feed lets whoever reads have the next n whole frames, or everything that is there when the stream has ended inside
// one; false when there is nothing to read yet.
func (e *end) feed(n int) bool {
	size := 0
	for ; n > 0; n-- {
		next := frameAt(e.staged, size)
		if next == 0 {
			break
		}
		size += next
	}
	if size == 0 && !e.over {
		return false
	}
	if size == 0 {
		size = len(e.staged)
	}
	e.fed = append(e.fed, e.staged[:size]...)
	e.staged = e.staged[size:]
	return true
}

// readable tells whether feed would find something.
func (e *end) readable() bool { return e.over || frameAt(e.staged, 0) > 0 }

// frameAt returns the length of the whole frame at b[at:], 0 when there is none.
func frameAt(b []byte, at int) int {
	if len(b)-at < comm.HeaderSize {
		return 0
	}
	size := comm.HeaderSize + int(binary.LittleEndian.Uint32(b[at:]))
	if len(b)-at < size {
		return 0
	}
	return size
}

// kindAt returns the kind of the frame at b[at:].
func kindAt(b []byte, at int) comm.Kind { return comm.Kind(b[at+8]) }

func (e *end) Read(p []byte) (int, error) {
	switch {
	case e.closed:
		return 0, net.ErrClosed
	case len(e.fed) > 0:
		n := copy(p, e.fed)
		e.fed = e.fed[n:]
		return n, nil
	case e.over:
		return 0, io.EOF
	}
	if !e.deadline.IsZero() {
		return 0, os.ErrDeadlineExceeded
	}
	panic("sim: a read that would wait")
}

func (e *end) Close() error {
	if !e.closed {
		e.closed, e.over = true, true
		if e.p.alive && !e.l.broken { // else sever has seen to it
			e.finish(e.l.w.delay(e.p, e.other.p))
		}
		e.tell() // who reads learns of it
	}
	return nil
}

func (e *end) LocalAddr() net.Addr              { return address("sim") }
func (e *end) RemoteAddr() net.Addr             { return address("sim") }
func (e *end) SetDeadline(time.Time) error      { return nil }
func (e *end) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline makes a read that would wait fail at once.
func (e *end) SetReadDeadline(t time.Time) error {
	e.deadline = t
	return nil
}

type address string

func (a address) Network() string { return string(a) }
func (a address) String() string  { return string(a) }
