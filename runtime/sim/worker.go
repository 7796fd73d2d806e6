package sim

import (
	"context"
	"encoding/binary"
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
	"dsss/runtime/replica"
	"dsss/runtime/session"
)

const (
	// tailFrame is more than a worker has in flight here, and a frame.
	tailFrame  = 6 << 10
	jobName    = "sim"
	keeperRank = -1
)

// A worker is a process of the program: a worker, or the keeper.
type worker struct {
	*proc
	rank   int32
	sess   session.Stepper
	keeper *keeper.Keeper // nil of a worker

	conn    *comm.Conn
	e       *end
	welcome *wire.WelcomeT // of conn; nil until it came
	joined  bool           // conn is the session's
	co      *coord         // at the other end
	giveUp  int64          // when the present tries to connect end
	pause   time.Duration
	heard   int64
	over    bool // the session has ended

	ghost  *node // what its replica holds
	ops    []*op
	flying int   // ops without a result
	told   []*op // ops that got one in this step
	blown  bool  // a mutator panicked: the replica is locked for good
}

// An op is a mutation from its caller's side.
type op struct {
	of      *worker
	id      uint64 // 0: makes the object
	put     error
	result  uint64
	seq     uint64
	settled bool
	failed  error
	where   *node // once it has its result
}

func (o *op) Put(err error) { o.put = err }

func (o *op) Resolve(seq uint64) {
	o.settle()
	o.seq = seq
	o.of.told = append(o.of.told, o)
}

func (o *op) Fail(err error) {
	o.settle()
	o.failed = err
	switch {
	case errors.Is(err, session.ErrNotApplied):
		o.of.w.count("told not applied")
	case errors.Is(err, session.ErrResultLost):
		o.of.w.count("told result lost")
	case errors.Is(err, session.ErrUnconfirmed):
		o.of.w.count("told unconfirmed")
	default:
		o.of.w.fail("%s is told of a mutation: %v", o.of.name, err)
	}
}

func (o *op) settle() {
	if o.settled {
		o.of.w.fail("%s gets a second result of one mutation", o.of.name)
	}
	o.settled = true
	o.of.flying--
}

// newWorker starts a process of the program.
func (w *world) newWorker(rank int32) *worker {
	w.made++
	name := fmt.Sprintf("rank%d.%d", rank, w.made)
	if rank == keeperRank {
		name = fmt.Sprintf("keeper.%d", w.made)
	}
	k := &worker{proc: w.newProc(name), rank: rank, ghost: w.hist.root}
	cfg := session.Config{Hello: wire.HelloT{Job: jobName, Role: wire.RoleWorker, Rank: rank, Pid: int32(w.made), Program: "sim"}}
	for _, c := range class.All() {
		if c.Name == className {
			cfg.Hello.Classes = append(cfg.Hello.Classes, &wire.ClassT{Name: c.Name, Fingerprint: c.Fingerprint(), Known: c.Known()})
		}
	}
	cfg.Tail = w.mix.logMemory + tailFrame
	if rank == keeperRank {
		cfg.Hello.Role = wire.RoleKeeper
		cfg.OnSave = k.save
	}
	cfg.OnPanic = func(*replica.PanicError) { k.blown = true }
	k.sess = session.NewStepper(cfg, w.made)
	if rank == keeperRank {
		k.keeper = &keeper.Keeper{Session: k.sess.Session, Store: snapshot.Store{Dir: statedir.CheckpointDirOf(stateDir), FS: w.files()}, Job: jobName, Now: w.time}
	}
	k.proc.died = func() { w.l.workerDied(k) }
	k.proc.after = k.afterStep
	w.after(0, k.proc, func() { k.dial(true) })
	w.after(w.mix.beat, k.proc, k.beat)
	if k.keeper == nil {
		w.after(w.around(w.mix.think), k.proc, k.think)
	}
	return k
}

// dial connects. again: anew, so that the patience begins.
func (k *worker) dial(anew bool) {
	w := k.w
	if k.over {
		return
	}
	if anew {
		k.giveUp, k.pause = w.now+int64(limits.Reconnect), limits.ReconnectPause
	}
	k.conn, k.welcome, k.joined = nil, nil, false
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
	hello.Version = comm.Version
	if w.cfg.Mutant == NoRecall {
		hello.Recalls = ^uint64(0)
	}
	w.note("hello "+k.name, hello.Epoch, hello.Applied, from.l.id)
	_ = k.conn.Send(comm.KindHello, hello) // a broken connection shows to the reader
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
	switch {
	case k.sess.Refused(err):
	case w.now > k.giveUp:
		k.sess.GiveUp(fmt.Errorf("gave up: %w", err))
	default:
		w.after(k.pause, k.proc, func() { k.dial(false) })
		k.pause = min(2*k.pause, limits.Heartbeat)
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
	for k.conn != nil && k.e.readable() && !k.over {
		k.heard = k.w.now
		if k.joined {
			k.follow()
		} else if !k.greet() {
			return
		}
	}
}

// greet handles what comes before the connection is the session's; false when it has to wait for more.
func (k *worker) greet() bool {
	if k.welcome != nil { // and the state is on its way
		n := k.wholeState()
		if n == 0 {
			return false
		}
		k.e.feed(n)
		k.adopt()
		return true
	}
	k.e.feed(1)
	kind, body, err := k.conn.Next()
	if err != nil {
		k.conn.CloseFor(err)
		k.failed(err)
		return true
	}
	switch kind {
	case comm.KindRefuse:
		r, _ := comm.ParseRefuse(body)
		err = &comm.RefusedError{Code: r.Code, Reason: r.Reason}
		k.conn.CloseFor(err)
		k.w.count("refused")
		k.failed(err)
	case comm.KindRecall:
		r, _ := comm.ParseRecall(body)
		k.recall(r.First)
	case comm.KindWelcome:
		if k.welcome, err = comm.ParseWelcome(body); err != nil {
			k.w.fail("%s cannot read its welcome: %v", k.name, err)
		}
		k.conn.Raise()
		if !k.welcome.State {
			k.adopt()
		}
	default:
		k.w.fail("%s is answered with %v", k.name, kind)
	}
	return true
}

func (k *worker) recall(first uint64) {
	k.w.count("recalled")
	if k.w.cfg.Mutant == NoRecall {
		end := &wire.StateEndT{Sequence: k.sess.Replica().Applied()}
		for id, request := range k.sess.Replica().Position().Sessions {
			end.Sessions = append(end.Sessions, &wire.SessionT{Id: id, Request: request})
		}
		_ = k.conn.Send(comm.KindStateEnd, end)
		return
	}
	_ = k.sess.Recall(k.conn, first) // a broken connection shows to the reader
}

// wholeState returns how many frames there are up to the end of a state, or the end of the connection; 0 when more come.
func (k *worker) wholeState() int {
	n := 0
	for at := 0; ; n++ {
		size := frameAt(k.e.staged, at)
		if size == 0 {
			break
		}
		if kindAt(k.e.staged, at) == comm.KindStateEnd {
			return n + 1
		}
		at += size
	}
	if k.e.over {
		return n + 1
	}
	return 0
}

// adopt makes the connection the session's.
func (k *worker) adopt() {
	w := k.w
	welcome := k.welcome
	w.note("welcome "+k.name, welcome.Epoch, welcome.Ordered, k.e.l.id)
	switch {
	case w.cfg.Mutant == NoVoid:
		welcome.Voids = nil
	case w.cfg.Mutant == NoResend:
		welcome.Ordered = ^uint64(0)
	case w.chance(w.mix.forgets):
		welcome.Ordered = 0
	}
	before := k.sess.Replica().Applied()
	err := k.sess.Welcomed(k.conn, welcome)
	if now := k.sess.Replica().Applied(); now != before {
		w.count("caught up from a state")
		k.caughtUp()
	}
	if err != nil {
		k.failed(err)
		return
	}
	k.joined = true
	w.l.joined(k)
}

// caughtUp looks up what a state has made of the replica.
func (k *worker) caughtUp() {
	was := k.ghost
	position := k.sess.Replica().Position()
	k.ghost = k.w.hist.byState[stateOf(position.Sequence, k.chain(), position.Sessions)]
	switch {
	case k.ghost == nil:
		k.w.fail("%s is caught up to a state at sequence number %d that no order leads to", k.name, position.Sequence)
	case !k.ghost.has(was):
		k.w.fail("%s stood at sequence number %d of epoch %d and is caught up to %d of epoch %d, of another order",
			k.name, was.last, was.epoch, k.ghost.last, k.ghost.epoch)
	}
	k.mark(was)
}

// chain is what the replica holds.
func (k *worker) chain() chain {
	if o := k.sess.Replica().Object(objectName); o != nil {
		return *o.State.(*chain)
	}
	return chain{}
}

// follow handles one frame and batches behind it.
func (k *worker) follow() {
	n := 1
	if k.w.chance(0.5) {
		n = 1 + k.w.rnd.IntN(8)
	}
	from := k.e.staged
	k.e.feed(n)
	from = from[:len(from)-len(k.e.staged)]
	var err error
	for err == nil {
		err = k.sess.Read(k.conn)
		if !k.conn.Ready() && len(k.e.fed) == 0 {
			break
		}
	}
	if !k.blown {
		k.advance(from)
	}
	if err != nil {
		k.broken(err)
	}
}

// advance goes the way in the history that the replica has gone with these frames.
func (k *worker) advance(frames []byte) {
	was := k.ghost
	applied := k.sess.Replica().Applied()
	for at := 0; k.ghost.last < applied; {
		size := frameAt(frames, at)
		if size == 0 {
			k.w.fail("%s stands at sequence number %d, and has not been sent what lies behind %d", k.name, applied, k.ghost.last)
		}
		if kindAt(frames, at) == comm.KindBatch {
			b, err := comm.ParseBatch(frames[at+comm.HeaderSize : at+size])
			if err == nil && b.Sequence+uint64(b.Count)-1 > k.ghost.last {
				k.ghost = k.w.applied(k.ghost, b, k.name)
			}
		}
		at += size
	}
	k.mark(was)
}

// mark checks the replica and what was told, and notes what was seen for the first time.
func (k *worker) mark(was *node) {
	w := k.w
	if applied := k.sess.Replica().Applied(); k.ghost.last != applied || k.chain() != k.ghost.chain {
		w.fail("%s stands at sequence number %d and holds %v, the order leads to %v there", k.name, applied, k.chain(), k.ghost.chain)
	}
	for n := k.ghost; n.last > was.last && !n.seen; n = n.parent { // not n != was: a state may be reached by two ways
		n.seen = true
		w.late(n, k)
	}
	for _, o := range k.told {
		n := k.ghost.holding(o.seq)
		i := int(o.seq - n.first)
		if o.id != 0 && n.session != k.sess.ID() || n.ops[i] != o.id { // calls that change nothing may stand in either order
			w.fail("%s is told that its mutation %d was applied at sequence number %d, where session %d applied %d", k.name, o.id, o.seq, n.session, n.ops[i])
		}
		if o.id != 0 && (o.result != n.hashes[i] || o.put != nil) {
			w.fail("%s gets a wrong result of its mutation at sequence number %d: %v", k.name, o.seq, o.put)
		}
		o.where = n
		w.count("confirmed")
	}
	k.told = k.told[:0]
}

// afterStep does what the session's own goroutines would do now.
func (k *worker) afterStep() {
	w := k.w
	if k.sess.Err() != nil && !k.over {
		k.over = true
		w.note("session over "+k.name, 0, 0, 0)
		w.logf("session over: %v", k.sess.Err())
		if err := k.sess.Err(); errors.Is(err, replica.ErrOrder) || errors.Is(err, replica.ErrState) {
			w.fail("%s ends: %v", k.name, err)
		}
		w.after(0, k.proc, func() { k.exit() })
		return
	}
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
	w.after(w.between(0, w.mix.diskSlow), k.proc, func() { k.sess.Send(comm.KindSaved, saved) })
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
	k.sess.Heartbeat(k.conn)
}

// think is the program: it mutates now and then.
func (k *worker) think() {
	w := k.w
	if k.over {
		return
	}
	if !w.calm {
		w.after(w.around(w.mix.think), k.proc, k.think)
	}
	switch {
	case w.calm, !k.joined && len(k.ops) == 0:
	case len(k.ops) == 0:
		k.submit(&op{of: k}, comm.CatalogID, comm.CreateID, comm.CreateArgs(objectName, className))
	case k.sess.Replica().Object(objectName) == nil:
	default:
		for range 1 + w.rnd.IntN(w.mix.burst) {
			if k.flying >= w.mix.inFlight || len(k.ops) > w.mix.opsEach {
				break
			}
			w.made++
			o := &op{of: k, id: w.made}
			k.submit(o, 1, addID, binary.LittleEndian.AppendUint64(nil, o.id))
		}
	}
}

func (k *worker) submit(o *op, object, method uint32, args []byte) {
	k.ops = append(k.ops, o)
	k.flying++
	if err := k.sess.Submit(context.Background(), object, method, args, o, k.w.chance(k.w.mix.lone)); err != nil && !o.settled {
		o.Fail(err)
	}
	k.w.count("mutation")
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
