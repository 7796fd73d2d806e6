package sim

import (
	"errors"
	"fmt"
	"time"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/keeper"
	"dsss/runtime/order"
	"dsss/runtime/replica"
	"dsss/runtime/session"
)

const (
	// tailFrame is more than a worker has in flight here, and a frame.
	tailFrame  = 6 << 10
	jobName    = "sim"
	jobToken   = "secret"
	outsiders  = 1 << 58 // sessions from here on are of processes that do not belong to the job
	keeperRank = order.Keeper
	hostRank   = order.Host
)

// A worker is a process of the program: a worker, the keeper, or the host.
type worker struct {
	*proc
	rank int32
	// incarnation is which start of a process this is.
	incarnation uint64
	sess        *session.Session
	keeper      *keeper.Keeper // nil of another

	conn    *comm.Conn
	e       *end
	welcome *wire.WelcomeT // of conn; nil until it came
	joined  bool           // conn is the session's
	co      *coord         // at the other end
	home    *coord         // that it was welcomed by last
	giveUp  int64          // when the present tries to connect end
	got     []byte         // fed to conn, and not yet taken from it
	heard   int64
	over    bool // the session has ended

	ghost     *node // what its replica holds
	ops       []*op
	flying    int   // ops without a result, and waits
	told      []*op // ops that got one in this step
	blown     bool  // a mutator panicked: the replica is locked for good
	held      []*op // wait for the window
	waits     []*wait
	opening   *op  // what makes the hosted object
	asked     bool // and whether there is a host
	hosting   bool // there is
	answered  *op  // the last hosted call that was
	leaving   bool // the program has nothing left to do
	abandoned bool // the launcher takes it for ended
	noticed   bool // its end is noticed, or believed
}

// newWorker starts a process of the program.
func (w *world) newWorker(rank int32) *worker {
	w.made++
	name := fmt.Sprintf("rank%d.%d", rank, w.made)
	switch rank {
	case keeperRank:
		name = fmt.Sprintf("keeper.%d", w.made)
	case hostRank:
		name = fmt.Sprintf("host.%d", w.made)
	}
	k := &worker{proc: w.newProc(name), rank: rank, incarnation: w.made, ghost: w.hist.root}
	cfg := session.Config{Hello: wire.HelloT{Job: jobName, Token: []byte(jobToken), Role: wire.RoleWorker, Rank: rank, Pid: int32(w.made), Incarnation: w.made, Program: "sim"}}
	for _, c := range class.All() {
		if c.Name == className || c.Name == windowClass {
			cfg.Hello.Classes = append(cfg.Hello.Classes, &wire.ClassT{Name: c.Name, Fingerprint: c.Fingerprint(), Known: c.Known()})
		}
	}
	cfg.Limits = w.mix.bounds
	cfg.Limits.Tail = w.mix.logMemory + tailFrame
	switch rank {
	case keeperRank:
		cfg.Hello.Role = wire.RoleKeeper
		cfg.OnSave = k.save
	case hostRank:
		cfg.Hello.Role = wire.RoleHost
	}
	cfg.OnPanic = func(*replica.PanicError) { k.blown = true }
	k.sess = session.New(cfg, w.made)
	if rank == keeperRank {
		k.keeper = &keeper.Keeper{Session: k.sess, Store: snapshot.Store{Dir: statedir.CheckpointDirOf(stateDir), FS: w.files()}, Job: jobName, Now: w.time}
	}
	k.proc.died = func() { w.l.workerDied(k) }
	k.proc.after = k.afterStep
	w.after(0, k.proc, func() { k.dial(true) })
	w.after(w.mix.beat, k.proc, k.beat)
	if !k.full() {
		w.after(w.around(w.mix.think), k.proc, k.think)
	}
	return k
}

// dial connects. again: again, so that the patience begins.
func (k *worker) dial(anew bool) {
	w := k.w
	if k.over {
		return
	}
	if anew {
		k.giveUp = w.now + int64(limits.Reconnect)
	}
	k.conn, k.welcome, k.got, k.joined = nil, nil, nil, false
	co := w.l.reach()
	if co == nil {
		k.failed(errors.New("nobody listens"))
		return
	}
	from, to := w.connect(k.proc, co.proc)
	k.e, k.conn, k.co = from, comm.NewConn(from), co
	from.arrived = k.read
	co.accept(to)
	hello := k.sess.Hello()
	if w.cfg.Mutant == NoRecall {
		hello.Recalls = ^uint64(0)
	}
	w.note("hello "+k.name, hello.Epoch, hello.Applied, from.l.id)
	_ = k.conn.SayHello(hello) // a broken connection shows to the reader
	k.heard = w.now
	conn := k.conn
	w.after(limits.Silence, k.proc, func() {
		if k.conn == conn && !k.joined {
			k.conn.CloseFor(errors.New("no answer"))
			k.failed(errors.New("no answer"))
		}
	})
}

// failed is called when there is no welcome.
func (k *worker) failed(err error) {
	w := k.w
	if k.e != nil {
		k.e.deaf = true
	}
	k.conn = nil
	w.logf("is not welcome: %v", err)
	if pause, over := k.sess.Failed(err, w.now > k.giveUp); !over {
		w.after(pause, k.proc, func() { k.dial(false) })
	}
}

// broken is called when the session's connection cannot be read any more.
func (k *worker) broken(err error) {
	k.w.logf("connection broken: %v", err)
	k.e.deaf = true
	conn := k.conn
	k.conn, k.joined = nil, false
	if !k.sess.Broken(conn, err) {
		k.w.after(0, k.proc, func() { k.dial(true) })
	}
}

// read handles what has arrived.
func (k *worker) read() {
	for k.conn != nil && (len(k.got) > 0 || k.e.readable()) && !k.over {
		k.heard = k.w.now
		if k.joined {
			k.follow()
		} else if !k.greet() {
			return
		}
	}
}

// feed has one read of the connection bring n frames, or some.
func (k *worker) feed(n int) {
	if n == 0 {
		n = 1
		if k.w.chance(0.5) {
			n = 1 + k.w.rnd.IntN(8)
		}
	}
	from := k.e.staged
	k.e.feed(n)
	k.got = append(k.got, from[:len(from)-len(k.e.staged)]...)
}

// greet handles what comes before the connection is the session's; false when it has to wait for more.
func (k *worker) greet() bool {
	if k.welcome != nil { // and the state is on its way
		n := k.wholeState()
		if n < 0 {
			return false
		}
		if n > 0 {
			k.feed(n)
		}
		k.adopt()
		return true
	}
	if len(k.got) == 0 {
		k.feed(0)
	}
	welcome, err := k.conn.NextAnswer(k.recall)
	k.got = k.got[frameAt(k.got, 0):]
	switch {
	case err != nil:
		if refused := (*comm.RefusedError)(nil); errors.As(err, &refused) {
			k.w.count("refused")
		}
		k.conn.CloseFor(err)
		k.failed(err)
	case welcome != nil:
		k.welcome = welcome
		k.conn.Raise()
		if !welcome.State {
			k.adopt()
		}
	}
	return true
}

func (k *worker) recall(conn *comm.Conn, first uint64) error {
	k.w.count("recalled")
	if k.w.cfg.Mutant == NoRecall {
		return conn.Send(comm.KindStateEnd, session.EndMessage(k.sess.ID(), k.sess.Replica().Position()))
	}
	return k.sess.Recall(conn, first)
}

// wholeState returns how many frames are to be fed up to the end of a state, or of the connection; -1 when more come.
func (k *worker) wholeState() (n int) {
	if stateEnd(k.got) > 0 {
		return 0
	}
	end := stateEnd(k.e.staged)
	for at := 0; frameAt(k.e.staged, at) > 0 && (end == 0 || at < end); n++ {
		at += frameAt(k.e.staged, at)
	}
	switch {
	case end > 0:
		return n
	case k.e.over:
		return n + 1
	}
	return -1
}

// stateEnd returns where the frame that ends a state ends in b, 0 when there is none.
func stateEnd(b []byte) int {
	for at := 0; frameAt(b, at) > 0; {
		kind := kindAt(b, at)
		at += frameAt(b, at)
		if kind == comm.KindStateEnd {
			return at
		}
	}
	return 0
}

// adopt makes the connection the session's.
func (k *worker) adopt() {
	w := k.w
	welcome := k.welcome
	w.note("welcome "+k.name, welcome.Epoch, welcome.Ordered, k.e.l.id)
	switch {
	case w.cfg.Mutant == NoOmit:
		welcome.Omitted = nil
	case w.cfg.Mutant == NoResend:
		welcome.Ordered = ^uint64(0)
	case w.chance(w.mix.forgets):
		welcome.Ordered = 0
	}
	before := k.sess.Replica().Applied()
	err := k.sess.Welcomed(k.conn, welcome)
	if welcome.State {
		k.got = k.got[stateEnd(k.got):]
	}
	if now := k.sess.Replica().Applied(); now != before {
		w.count("caught up from a state")
		k.caughtUp()
	}
	if err != nil {
		k.failed(err)
		return
	}
	k.joined, k.home = true, k.co
	k.checkWelcome()
	w.l.joined(k)
}

// afterStep does what the session's own goroutines would do now.
func (k *worker) afterStep() {
	w := k.w
	if k.sess.Err() != nil && !k.over {
		k.over = true
		w.note("session over "+k.name, 0, 0, 0)
		w.logf("session over: %v", k.sess.Err())
		k.left()
		if o := k.answered; o != nil && o.where.lost {
			w.count("over, because an answered call was lost")
		}
		if err := k.sess.Err(); errors.Is(err, replica.ErrOrder) || errors.Is(err, replica.ErrState) {
			w.fail("%s ends: %v", k.name, err)
		}
		w.after(0, k.proc, func() { k.exit() })
		return
	}
	k.lookUp()
	if k.sess.Woken() {
		w.after(w.between(0, 100*time.Microsecond), k.proc, k.sess.Write)
	}
}

// save writes a checkpoint at once, and says so a moment later.
func (k *worker) save(m *wire.SaveT) <-chan struct{} {
	w := k.w
	read := make(chan struct{})
	saved := k.keeper.Save(m, func() { close(read) })
	w.note("saved", saved.Sequence, m.Id, 0)
	if saved.Error != "" {
		w.logf("%s", saved.Error)
		w.count("checkpoint failed")
	} else {
		w.count("checkpoint")
	}
	w.after(w.between(0, w.mix.diskSlow), k.proc, func() { k.sess.Saved(saved) })
	return read
}

// beat is the connection's watch.
func (k *worker) beat() {
	w := k.w
	w.after(w.mix.beat, k.proc, k.beat)
	if !k.joined {
		return
	}
	if w.now-k.heard > int64(limits.Silence) {
		err := errors.New("the coordinator said nothing")
		k.conn.CloseFor(err)
		k.broken(err)
		return
	}
	_ = k.conn.Write(k.sess.Heartbeat()) // a broken connection shows to the reader
}

// exit ends the process by itself: what it sent arrives.
func (p *proc) exit() {
	if !p.alive {
		return
	}
	for _, l := range p.links {
		for _, e := range l.ends {
			if e.p == p {
				_ = e.Close()
			}
		}
		l.broken = true
	}
	p.links = nil
	p.die("by itself")
}
