package coordinator

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/vfs"
)

// A Stepper is a coordinator whose goroutines its owner stands in for: what they do is done by its methods, one at a
// time, when the owner says so. What is decided is decided by the code that Run runs; only who waits for whom is the
// owner's. It is for simulations of a whole cluster under one seed. A Stepper is for one goroutine.
//
// The connections of its members have to take every write without waiting, and to have a whole frame, or an end, for
// whoever reads.
type Stepper struct {
	c       *coordinator
	remains remains
	asked   *Member // who was asked what it remembers, and has not answered
	tail    *tailOf // what has come of its answer
	donor   *Member // whose state the order went on from; nil: a checkpoint's
	spilled bool    // a lazy disk's cursor is about to end its round
	failed  bool    // the disk's cursor ended by an error
}

// World is what a Stepper has in place of the operating system.
type World struct {
	FS    vfs.FS
	Now   func() time.Time
	Salts io.Reader // of log segments
	// Session is the number of the coordinator's own session.
	Session uint64
	// Sure tells whether the state directory is the coordinator's beyond doubt.
	Sure func() bool
	// Without leaves a check out, to see that its absence is noticed.
	Without Mutant
}

// NewStepper starts a coordinator in the state directory, which it owns from now on. Network and Listen of cfg are not
// used. With Config.Takeover it has read what the directory holds when NewStepper returns; see Recover.
func NewStepper(cfg Config, w World) (*Stepper, error) {
	cfg.now, cfg.salts, cfg.without = w.Now, w.Salts, w.Without
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	dir, err := statedir.Open(cfg.StateDir, statedir.Config{Job: cfg.Job, FS: w.FS, Now: w.Now})
	if err != nil {
		return nil, err
	}
	c := newCoordinator(cfg, dir, w.Session)
	c.sure = w.Sure
	c.stepped = true
	st := &Stepper{c: c}
	if cfg.Takeover {
		if st.remains, err = c.remains(); err != nil {
			return nil, errors.Join(err, dir.Close())
		}
		c.takeover.begin(startsOf(st.remains.job), st.remains.log.Next()-1, c.cfg.Expect)
	}
	return st, nil
}

// Opened tells whether the order goes on.
func (st *Stepper) Opened() bool { return st.c.opened.Load() }

// Stopping returns why the coordinator ends, or nil while it goes on.
func (st *Stepper) Stopping() error {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	return st.c.stopping
}

// Suspects tells whether a replica was found to differ from the keeper's.
func (st *Stepper) Suspects() bool {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	return st.c.audit.suspect != nil || len(st.c.quarantined) > 0
}

// Position returns the head of the order and how far cursors may read, 0 before the order goes on.
func (st *Stepper) Position() (head, gate uint64) {
	if !st.Opened() {
		return 0, 0
	}
	return st.c.head(), st.c.gate.Load()
}

// Epoch returns the coordinator's epoch once the order goes on.
func (st *Stepper) Epoch() uint64 { return st.c.job.Epoch }

// Recover goes on with a takeover as far as it can: it asks who has come furthest, or lets the order go on. It is
// called after every change, and its error ends the coordinator.
func (st *Stepper) Recover() error {
	c := st.c
	if !c.undecided() {
		return nil
	}
	for {
		choice, donor := c.takeover.choose(c.cfg.Durability == Disk)
		switch {
		case choice.Ask:
			if st.ask(donor, choice.First) {
				return nil
			}
		case choice.Wait:
			return nil
		default:
			return st.goOn(nil)
		}
	}
}

func (st *Stepper) goOn(tail *tailOf) error {
	known, err := st.c.goOn(st.remains, tail)
	if known {
		st.donor = tail.from.of
	}
	if err != nil {
		st.c.fail(fmt.Errorf("taking over: %w", err))
	}
	return err
}

// ask asks a claimant for its tail; false when its connection turns out to be broken.
func (st *Stepper) ask(donor *claimant, first uint64) bool {
	m := donor.of
	m.conn.Raise()
	if m.lost || m.conn.Send(comm.KindRecall, &wire.RecallT{First: first}) != nil {
		st.c.takeover.lose(donor)
		return false
	}
	st.asked, st.tail = m, &tailOf{from: donor}
	return true
}

// Gone says that the process of a member, -1 being the keeper, has ended.
func (st *Stepper) Gone(member int32) {
	st.c.processGone(member, 0)
	if st.c.takeover != nil {
		st.c.takeover.processGone(member)
	}
}

// StopWaiting ends the patience of a takeover with those who have not come.
func (st *Stepper) StopWaiting() { st.c.takeover.stopWaiting() }

// A Member is a connection of a replica to a Stepper.
type Member struct {
	st    *Stepper
	conn  *comm.Conn
	hello *wire.HelloT
	claim *claimant   // while the order has yet to go on
	sub   *subscriber // once admitted
	lost  bool
	waits bool // for room
}

// Meet takes a connection that said hello. While a takeover is under way its peer waits; Admit lets it in once the order
// goes on. An error says that it was refused, and the connection is closed.
func (st *Stepper) Meet(conn *comm.Conn, hello *wire.HelloT) (*Member, error) {
	m := &Member{st: st, conn: conn, hello: hello}
	if st.c.undecided() {
		m.claim = st.c.takeover.claim(hello)
		m.claim.of = m
		return m, nil
	}
	return m, m.Admit()
}

// Waiting tells whether the member has yet to be admitted.
func (m *Member) Waiting() bool { return m.sub == nil }

// Asked tells whether the member is asked what it remembers, and has not answered.
func (m *Member) Asked() bool { return m.st.asked == m }

// Admit makes the member a subscriber, welcomes it and sends it the state that it needs.
func (m *Member) Admit() error {
	c := m.st.c
	err := c.openOnce(m.hello)
	if err == nil {
		var welcome *wire.WelcomeT
		if m.sub, welcome, err = c.join(m.conn, m.hello); err == nil {
			if err := m.sub.welcome(welcome); err != nil {
				m.Lost(err)
			}
			return nil
		}
	}
	c.refused(m.conn, m.hello, err)
	return err
}

// Room tells whether the log in memory has room for a batch of the member. While it has none nothing is read from the
// member, and the owner asks again.
func (m *Member) Room() bool {
	c := m.st.c
	if m.sub == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !m.sub.roomLocked() && c.stopping == nil && !m.waits {
		c.trimLocked()
		if !m.sub.roomLocked() {
			m.waits = true
			c.waiting++
			c.wakeAllLocked()
		}
	}
	if !m.sub.roomLocked() && c.stopping == nil {
		return false
	}
	m.endWaitLocked()
	return true
}

func (m *Member) endWaitLocked() {
	if m.waits {
		m.waits = false
		m.st.c.waiting--
	}
}

// Read handles what has arrived from the member. On an error it has been lost.
func (m *Member) Read() error {
	if m.sub != nil {
		err := m.sub.readBurst()
		if err != nil {
			m.Lost(err)
		}
		return err
	}
	st := m.st
	kind, body, err := m.conn.Next()
	if err == nil && st.asked != m {
		return nil // nobody reads from one who waits
	}
	if err == nil {
		err = st.tail.take(kind, body)
	}
	if err != nil {
		m.Lost(err)
		return err
	}
	if st.tail.end == nil {
		return nil
	}
	st.asked = nil
	return st.goOn(st.tail)
}

// Lost says that the connection has broken.
func (m *Member) Lost(cause error) {
	if m.lost {
		return
	}
	m.lost = true
	switch {
	case m.sub != nil:
		m.st.c.mu.Lock()
		m.endWaitLocked()
		m.st.c.mu.Unlock()
		m.sub.closeBehind()
		m.st.c.unsubscribe(m.sub, cause)
	case m.st.asked == m:
		m.st.asked = nil
		m.conn.CloseFor(cause)
		m.st.c.takeover.lose(m.claim)
	}
}

// Woken tells whether the member's writer has been woken since it was asked last.
func (m *Member) Woken() bool {
	if m.sub == nil {
		return false
	}
	select {
	case <-m.sub.wake:
		return true
	default:
		return false
	}
}

// Pending tells whether there is something to write to the member.
func (m *Member) Pending() bool { return m.sub != nil && m.sub.pending() }

// Write writes one gathering. On an error the member has been lost.
func (m *Member) Write() error {
	m.conn.Lock()
	err := m.sub.pump()
	m.conn.Unlock()
	if err != nil {
		m.Lost(err)
	}
	return err
}

// Heartbeat writes a sign of life.
func (m *Member) Heartbeat() {
	if m.sub != nil {
		_ = m.conn.Write(m.sub.heartbeat()) // a broken connection shows to the reader
	}
}

// DiskWoken tells whether the disk's cursor has been woken since it was asked last.
func (st *Stepper) DiskWoken() bool {
	if !st.Opened() || st.failed {
		return false
	}
	select {
	case <-st.c.disk.wake:
		return true
	default:
		return false
	}
}

// DiskBegin begins a round of the disk's cursor.
func (st *Stepper) DiskBegin() error {
	d := st.c.disk
	d.spilled.Store(false)
	err := d.catchUp()
	if errors.Is(err, errGap) {
		d.spilled.Store(true)
		return nil
	}
	st.spilled = d.lazy
	return st.diskError(err)
}

// DiskPut writes what has gathered; false when there is nothing. What is written counts as on disk only after DiskWrote.
func (st *Stepper) DiskPut() (bool, error) {
	d := st.c.disk
	if more, err := d.round(); more || err != nil {
		return more, st.diskError(err)
	}
	if st.spilled {
		st.spilled = false
		d.dumped()
	}
	return false, nil
}

// DiskWrote tells everybody that what was written is on disk.
func (st *Stepper) DiskWrote() { st.c.disk.wrote() }

func (st *Stepper) diskError(err error) error {
	if err != nil {
		st.failed = true
		st.c.fail(err)
	}
	return err
}

// Tick is the clock: what replicas may forget, and who waits for a keeper for too long.
func (st *Stepper) Tick() {
	st.c.tellStable()
	st.c.giveUpSaves(st.c.cfg.now())
	st.c.recordFull()
	st.c.retryDisk()
}

// Save asks for a checkpoint when something has changed since the last one.
func (st *Stepper) Save() { st.c.saveIfChanged() }

// Stop ends the coordinator for a reason: a clean end when it is nil, as if the job were interrupted.
func (st *Stepper) Stop(reason error) {
	if reason == nil {
		reason = errors.New("the coordinator was told to end")
	}
	st.c.stop(reason)
}

// LoseOwnership ends a coordinator that another process has taken the state directory from.
func (st *Stepper) LoseOwnership() { st.c.stop(statedir.ErrOwnerLost) }

// Shutdown does what is left once Stopping is set: it brings the log to disk, and posts the end to those members that
// are to hear it. quiet: to none, the connections are closed.
func (st *Stepper) Shutdown() (quiet bool, err error) {
	c := st.c
	quiet = abandons(c.stopping)
	if st.Opened() && !quiet {
		d := c.disk
		d.last.Store(true)
		var last error
		if !d.lazy && !st.failed {
			last = d.dump()
		}
		err = c.persisted(last)
	}
	stop := comm.Frame(comm.KindStop, &wire.StopT{Reason: c.stopping.Error()})
	for _, s := range slices.SortedFunc(maps.Keys(c.subs), func(a, b *subscriber) int { return cmp.Compare(a.rank, b.rank) }) {
		if quiet {
			s.conn.CloseFor(c.stopping)
		} else {
			s.post(stop)
		}
	}
	return quiet, err
}

// Died gives back what the operating system takes from a process that dies.
func (st *Stepper) Died() { _ = st.c.snapshots.forget() } // it was only read

// Close gives the state directory back.
func (st *Stepper) Close() error {
	err := st.c.snapshots.forget()
	if st.Opened() {
		return errors.Join(err, st.c.log.Close(), st.c.dir.Close())
	}
	return errors.Join(err, st.c.dir.Abandon())
}

// Log returns the log on disk, and the member whose state the order went on from, nil when it was a checkpoint's. It is
// valid once Opened.
func (st *Stepper) Log() (*wal.Log, *Member) { return st.c.log, st.donor }

// Store returns the checkpoints.
func (st *Stepper) Store() snapshot.Store { return st.c.dir.Store() }

// Ordered returns the frames of batches that begin behind the sequence number after, oldest first, as far as memory has
// them. They belong to the coordinator.
func (st *Stepper) Ordered(after uint64) [][]byte {
	if !st.Opened() {
		return nil
	}
	var frames [][]byte
	mem := &st.c.mem
	for _, e := range mem.entries[mem.start:] {
		if e.first > after {
			frames = append(frames, e.frame)
		}
	}
	return frames
}
