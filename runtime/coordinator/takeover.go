package coordinator

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/runtime/sequencer"
)

// A takeover is the time between the start of a coordinator that goes on with a running job and the moment when the
// order goes on. Those who say hello meanwhile wait for its end; one of them may be asked for what the disk lacks.
type takeover struct {
	mu        sync.Mutex // guards what follows, for moments
	recovery  *sequencer.Recovery
	claimants map[int32]*claimant // by member, connected
	gone      []int32             // processes that ended before recovery was there to be told

	changed chan struct{} // room for one word that something changed
	tails   chan *tailOf  // room for the one that was asked for
	done    chan struct{} // closed when the order goes on
}

// A claimant is a process that waits for the end of the takeover.
type claimant struct {
	member int32
	claim  sequencer.Claim
	recall chan uint64 // room for one question: the first sequence number wanted
	of     *Member     // of a Stepper, else nil
}

// A tailOf is what a claimant remembers: batches that follow one another up to end, none when the disk has them all.
type tailOf struct {
	from    *claimant
	entries []entry
	bytes   int             // of entries
	end     *wire.StateEndT // nil until all of it is here
}

func newTakeover() *takeover {
	return &takeover{claimants: map[int32]*claimant{}, changed: make(chan struct{}, 1), tails: make(chan *tailOf, 1), done: make(chan struct{})}
}

func (t *takeover) poke() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// memberOf is a process's name in a takeover.
func memberOf(hello *wire.HelloT) int32 {
	if hello.Role == wire.RoleKeeper {
		return keeperRank
	}
	return hello.Rank
}

// undecided tells whether the order has yet to go on.
func (c *coordinator) undecided() bool { return c.takeover != nil && !c.opened.Load() }

// processGone notes that a process has ended: nobody waits for it.
func (t *takeover) processGone(member int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.recovery == nil {
		t.gone = append(t.gone, member)
		return
	}
	t.recovery.Gone(member)
	t.poke()
}

// claim enters a process that said hello among those who wait.
func (t *takeover) claim(hello *wire.HelloT) *claimant {
	cl := &claimant{member: memberOf(hello), recall: make(chan uint64, 1), claim: sequencer.Claim{
		Member: memberOf(hello), Epoch: hello.Epoch, Applied: hello.Applied, Recalls: hello.Recalls}}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.claimants[cl.member] = cl
	if t.recovery != nil {
		t.recovery.Hear(cl.claim)
	}
	t.poke()
	return cl
}

// wait holds a connection until the order goes on, and answers for it when it is asked what it remembers.
func (c *coordinator) wait(conn *comm.Conn, hello *wire.HelloT) error {
	t := c.takeover
	cl := t.claim(hello)
	for {
		select {
		case first := <-cl.recall:
			tail, err := recall(conn, first)
			if err != nil {
				t.lose(cl)
				return err
			}
			tail.from = cl
			t.tails <- tail // room: one is asked at a time
		case <-t.done:
			return nil
		case <-c.end:
			return errEnding
		}
	}
}

// lose forgets a claimant whose connection broke, unless it has come again since.
func (t *takeover) lose(cl *claimant) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.claimants[cl.member] == cl {
		delete(t.claimants, cl.member)
		t.recovery.Lose(cl.member)
	}
	t.poke()
}

// recall asks a replica for its batches from first on.
func recall(conn *comm.Conn, first uint64) (*tailOf, error) {
	conn.Raise()
	if err := conn.Send(comm.KindRecall, &wire.RecallT{First: first}); err != nil {
		return nil, err
	}
	conn.SetReadDeadline(time.Now().Add(limits.Rejoin))
	defer conn.SetReadDeadline(time.Time{})
	tail := &tailOf{}
	for {
		kind, body, err := conn.Next()
		if err != nil {
			return nil, err
		}
		if err := tail.take(kind, body); err != nil || tail.end != nil {
			return tail, err
		}
	}
}

// take takes a frame of the answer; end is set by the last one.
func (t *tailOf) take(kind comm.Kind, body []byte) error {
	switch kind {
	case comm.KindTail:
		b, err := comm.ParseBatch(body)
		if err != nil {
			return err
		}
		if n := len(t.entries); b.Count == 0 || n > 0 && b.Sequence != t.entries[n-1].last()+1 {
			return fmt.Errorf("%w: a batch at sequence number %d out of place in a tail", comm.ErrProtocol, b.Sequence)
		}
		if t.bytes += len(body); t.bytes > 2*limits.Tail {
			return fmt.Errorf("%w: a tail of more than %d bytes", comm.ErrProtocol, 2*limits.Tail)
		}
		frame := make([]byte, comm.HeaderSize+len(body))
		copy(frame[comm.HeaderSize:], body)
		comm.Seal(frame, comm.KindBatch)
		t.entries = append(t.entries, entry{first: b.Sequence, count: b.Count, frame: frame})
		return nil
	case comm.KindStateEnd:
		end, err := comm.ParseStateEnd(body)
		if err != nil {
			return err
		}
		if n := len(t.entries); n > 0 && t.entries[n-1].last() != end.Sequence {
			return fmt.Errorf("%w: a tail up to %d that ends at %d", comm.ErrProtocol, end.Sequence, t.entries[n-1].last())
		}
		t.end = end
		return nil
	}
	return fmt.Errorf("%w: %v inside a tail", comm.ErrProtocol, kind)
}

// takeOver goes on with a job that another coordinator ran, as far as the disk and those who live remember. It runs
// until the order goes on.
func (c *coordinator) takeOver() {
	defer c.wg.Done()
	if err := c.recover(); err != nil && !errors.Is(err, errEnding) {
		c.fail(fmt.Errorf("taking over: %w", err))
	}
}

func (c *coordinator) recover() error {
	began := time.Now()
	r, err := c.remains()
	if err != nil {
		return err
	}
	c.takeover.begin(startsOf(r.job), r.log.Next()-1, c.cfg.Expect)
	tail, err := c.hear()
	if err == nil {
		_, err = c.goOn(r, tail)
	}
	if err != nil {
		return errors.Join(err, r.log.Close())
	}
	c.cfg.Log.Info("took over", "epoch", c.job.Epoch, "head", c.head(), "took", time.Since(began))
	return nil
}

// remains is what the state directory holds of a running job.
type remains struct {
	job   statedir.Job
	log   *wal.Log
	saved uint64 // newest checkpoint
}

// remains opens what the state directory holds.
func (c *coordinator) remains() (remains, error) {
	job, exists := c.dir.Job()
	if !exists || job.Status != statedir.Running {
		return remains{}, usageError{fmt.Errorf("state directory %s holds no running job to take over", c.cfg.StateDir)}
	}
	saved, err := c.newestSaved()
	if err != nil {
		return remains{}, err
	}
	log, recovery, err := c.openLog(&job, saved, true)
	if err != nil {
		return remains{}, err
	}
	c.warnTorn(recovery)
	return remains{job, log, saved}, nil
}

// begin lets those be heard who said hello meanwhile.
func (t *takeover) begin(starts []sequencer.Start, disk uint64, expect []int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recovery = sequencer.NewRecovery(starts, disk, expect)
	for _, cl := range t.claimants {
		t.recovery.Hear(cl.claim)
	}
	for _, member := range t.gone {
		t.recovery.Gone(member)
	}
}

// choose says how to go on, and who is to be asked if somebody is. gated: nobody has seen what is not on disk.
func (t *takeover) choose(gated bool) (sequencer.Choice, *claimant) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if gated && len(t.claimants) > 0 {
		t.recovery.Stop() // the disk has all that anybody saw; one may tell how far the sessions are
	}
	choice := t.recovery.Choose()
	return choice, t.claimants[choice.Donor]
}

// stopWaiting ends the waiting for those who have not come.
func (t *takeover) stopWaiting() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recovery.Stop()
}

// hear listens to those who live until the furthest of them has said what it remembers; nil when nobody knows anything.
func (c *coordinator) hear() (*tailOf, error) {
	t := c.takeover
	look := time.NewTicker(limits.Heartbeat)
	defer look.Stop()
	var patience comm.Patience
	patience.Reset(time.Now())
	for {
		choice, donor := t.choose(c.cfg.Durability == Disk)
		switch {
		case choice.Ask:
			donor.recall <- choice.First // room: it is asked once
		case !choice.Wait:
			return nil, nil
		}
		select {
		case tail := <-t.tails:
			return tail, nil
		case <-t.changed:
		case now := <-look.C:
			if patience.Waited(now) >= limits.Rejoin {
				t.stopWaiting()
			}
		case <-c.end:
			return nil, errEnding
		}
	}
}

// goOn rebuilds the order and opens it. known tells whether it goes on from tail, rather than from a checkpoint.
func (c *coordinator) goOn(r remains, tail *tailOf) (known bool, err error) {
	job, log, saved := r.job, r.log, r.saved
	disk := log.Next() - 1
	cfg := sequencer.Config{Sessions: map[uint64]uint64{}}
	known = tail != nil && max(tail.end.Sequence, disk) >= saved && (tail.end.Sequence >= disk || log.First() <= tail.end.Sequence+1)
	if known {
		cfg.Base = tail.end.Sequence
		c.clock = tail.end.Time
		for _, s := range tail.end.Sessions {
			cfg.Sessions[s.Id] = s.Request
		}
	} else {
		newest, meta, err := c.newestState()
		if err == nil {
			err = c.complete(job, newest, meta.Log, log)
		}
		if err != nil {
			return known, err
		}
		cfg.Base, c.clock, cfg.Sessions = newest.Seq, clockOf(newest), meta.Sessions
		saved, tail = cfg.Base, &tailOf{}
	}
	job.Epoch++
	head := max(disk, cfg.Base)
	job.Starts = append(job.Starts, statedir.Start{Epoch: job.Epoch, Base: head})
	cfg.Persisted, cfg.Starts = min(disk, cfg.Base), startsOf(job)
	seq := c.newSequencer(cfg)
	if !known || disk > cfg.Base {
		behind, err := c.replay(log, seq, cfg.Base, &r.job)
		if err != nil {
			return known, err
		}
		job.Voids = withVoids(job, behind.voids)
		c.clock = max(c.clock, behind.clock)
	}
	job.Log = log.Bound()
	if err := c.dir.PutJob(job); err != nil {
		return known, err
	}
	c.begin(job, log, seq, saved, tail.entries)
	c.event(&wire.EventT{What: wire.HappeningRecovered, Sequence: head, Count: head - min(head, disk)})
	close(c.takeover.done)
	c.mu.Lock()
	wished := c.wished
	c.mu.Unlock()
	if wished != "" {
		c.finish(wished)
	}
	return known, nil
}

// newestSaved returns the sequence number of the newest checkpoint, 0 when there is none. Whether it verifies shows when
// it is needed: the keeper that wrote it has read it back.
func (c *coordinator) newestSaved() (uint64, error) {
	infos, err := c.dir.Store().List()
	if err != nil || len(infos) == 0 {
		return 0, err
	}
	return infos[0].Seq, nil
}

func startsOf(job statedir.Job) []sequencer.Start {
	out := make([]sequencer.Start, len(job.Starts))
	for i, s := range job.Starts {
		out[i] = sequencer.Start(s)
	}
	return out
}
