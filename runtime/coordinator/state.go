package coordinator

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/sequencer"
)

// open brings the state directory to life when the first keeper says hello: before it, nobody knows which program
// this is. A *refused error leaves the directory as it was.
func (c *coordinator) open(hello *wire.HelloT) error {
	job, exists := c.dir.Job()
	if exists {
		if err := samePrograms(&job, hello, c.cfg.StateDir); err != nil {
			return err
		}
	}
	newest, meta, err := c.newestState()
	if err != nil {
		return err
	}
	base := newest.Seq
	log, recovery, err := c.openLog(&job, base, false)
	if err != nil {
		return err
	}
	if err := c.complete(job, newest, meta.Log, log); err != nil {
		return errors.Join(err, log.Close())
	}
	c.warnTorn(recovery)
	former := job
	job.Epoch++
	job.Run++
	starts := []sequencer.Start{{Epoch: job.Epoch, Base: max(base, log.Next()-1)}}
	seq := c.newSequencer(sequencer.Config{Base: base, Sessions: meta.Sessions, Starts: starts})
	replayed, err := c.replay(log, seq, base, &former)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	job.Voids = withVoids(job, replayed.voids)
	c.clock = max(clockOf(newest), replayed.clock)
	job.Log, job.Checkpoint = log.Bound(), boundOf(newest)
	job.Voids = slices.DeleteFunc(slices.Clone(job.Voids), func(v uint64) bool { return v > seq.Head() }) // the log lost it
	job.Skips = slices.DeleteFunc(slices.Clone(job.Skips), func(s statedir.Skip) bool { return s.Sequence > seq.Head() })
	job.Suspects = slices.DeleteFunc(slices.Clone(job.Suspects), func(s statedir.Suspect) bool { return s.Sequence > seq.Head() })
	job.Name, job.Program, job.Build, job.Classes = c.cfg.Job, hello.Program, hello.Build, withFormer(classesOf(hello), job.Classes)
	job.Starts = []statedir.Start{statedir.Start(starts[0])}
	job.Status = statedir.Running
	job.Durability = string(c.cfg.Durability)
	if err := c.dir.PutJob(job); err != nil {
		return errors.Join(err, log.Close())
	}
	c.begin(job, log, seq, base, nil)
	if exists {
		c.event(&wire.EventT{What: wire.HappeningResumed, Sequence: base, Count: replayed.count})
		c.sayRebuilt(former.Build, job)
		c.sayLeftOut(job, base)
	}
	return nil
}

// sayLeftOut says which mutations behind base replicas leave out; a checkpoint behind one has left it out already, and the
// run that wrote it said so.
func (c *coordinator) sayLeftOut(job statedir.Job, base uint64) {
	for _, v := range job.Voids {
		if v > base {
			c.event(&wire.EventT{What: wire.HappeningWarned, Sequence: v, Text: fmt.Sprintf("leaving out the mutation at sequence number %d, which panicked in an earlier run", v)})
		}
	}
	for _, s := range job.Skips {
		if s.Sequence > base {
			c.event(&wire.EventT{What: wire.HappeningWarned, Sequence: s.Sequence, Text: fmt.Sprintf("leaving out %v, as dsss skip asked", s.Suspect)})
		}
	}
}

// newSequencer returns a sequencer as the durability wants it.
func (c *coordinator) newSequencer(cfg sequencer.Config) *sequencer.Sequencer {
	cfg.Gated = c.cfg.Durability == Disk && c.cfg.without != NoGate
	if c.cfg.without == NoEpochs {
		cfg.Starts = nil
	}
	return sequencer.New(cfg)
}

// begin lets the order go on. saved is the newest checkpoint; entries are what replicas brought that the disk may lack,
// up to the head. Where neither has what lies between the disk's end and the head, replicas have it, and the next
// checkpoint will, for which the disk's cursor waits.
func (c *coordinator) begin(job statedir.Job, log *wal.Log, seq *sequencer.Sequencer, saved uint64, entries []entry) {
	next := log.Next()
	for len(entries) > 0 && entries[0].last() < next {
		entries = entries[1:]
	}
	first := seq.Head() + 1
	if len(entries) > 0 {
		first = min(entries[0].first, first)
	}
	c.mu.Lock()
	c.log, c.seq, c.job = log, seq, job
	c.mem.limit, c.mem.next = c.cfg.LogMemory, first
	for _, e := range entries {
		c.mem.append(e)
	}
	c.saves.last = saved
	c.gate.Store(seq.Gate())
	c.disk = newDiskCursor(c, next)
	c.mu.Unlock()
	c.opened.Store(true)
	if !c.stepped {
		c.wg.Add(1)
		go c.disk.run()
	}
	c.disk.poke()
}

// openLog opens a job's log, behind a checkpoint at base, for the job's next epoch.
func (c *coordinator) openLog(job *statedir.Job, base uint64, trust bool) (*wal.Log, wal.Recovery, error) {
	log, recovery, err := c.dir.OpenLog(wal.Config{First: base + 1, Tag: job.Epoch + 1, Bound: job.Log, SegmentBytes: c.cfg.Segment, Trust: trust, Rand: c.cfg.salts})
	if errors.Is(err, wal.ErrCorrupt) {
		err = fmt.Errorf("%w: put the whole directory back from one copy, or name another directory; 'dsss checkpoint' shows what checkpoints hold", err)
	}
	return log, recovery, err
}

// warnTorn says what was cut off the log, if anything was.
func (c *coordinator) warnTorn(r wal.Recovery) {
	if r.TornBytes == 0 {
		return
	}
	c.event(&wire.EventT{What: wire.HappeningWarned, Text: fmt.Sprintf("log %s: cut off %d bytes of an append that a crash interrupted", r.Segment, r.TornBytes)})
}

func (c *coordinator) head() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seq.Head()
}

func classesOf(hello *wire.HelloT) []statedir.Class {
	classes := make([]statedir.Class, 0, len(hello.Classes))
	for _, k := range hello.Classes {
		classes = append(classes, statedir.Class{Name: k.Name, Fingerprint: k.Fingerprint, Known: k.Known})
	}
	return classes
}

// withFormer adds to what each class knows what it knew in former runs: log and checkpoints may be as old as those.
func withFormer(classes, former []statedir.Class) []statedir.Class {
	for i := range classes {
		for _, f := range former {
			if f.Name == classes[i].Name {
				classes[i].Known = append(slices.Clone(classes[i].Known), f.Known...)
			}
		}
		slices.Sort(classes[i].Known)
		classes[i].Known = slices.Compact(classes[i].Known)
	}
	return classes
}

// samePrograms compares the program that opens a state directory with those that wrote it. Classes may have been added,
// and may have changed as long as they know all that log and checkpoints may hold.
func samePrograms(job *statedir.Job, hello *wire.HelloT, where string) error {
	if job.Program != "" && job.Program != hello.Program { // a record that was made anew does not know it
		return &comm.RefusedError{Code: wire.RefusalState, Reason: fmt.Sprintf("state directory %s belongs to program %s, this is %s: name another directory", where, job.Program, hello.Program)}
	}
	for _, was := range job.Classes {
		i := slices.IndexFunc(hello.Classes, func(k *wire.ClassT) bool { return k.Name == was.Name })
		var diff string
		switch {
		case i < 0:
			diff = fmt.Sprintf("class %s is missing", was.Name)
		default:
			lost := unknown(was, hello.Classes[i].Known)
			if lost == 0 {
				continue
			}
			diff = fmt.Sprintf("class %s lacks %d of the %d ids that the logs and checkpoints there refer to", was.Name, lost, max(1, len(was.Known)))
		}
		return &comm.RefusedError{Code: wire.RefusalClasses, Reason: fmt.Sprintf("state directory %s was written by a program with other classes: %s; use that build, or one whose dsss.lock continues that build's, or name another directory", where, diff)}
	}
	return nil
}

// unknown returns how much of what a class was written with is not among known.
func unknown(was statedir.Class, known []uint64) (n int) {
	if len(was.Known) == 0 {
		was.Known = []uint64{was.Fingerprint}
	}
	have := make(map[uint64]bool, len(known))
	for _, k := range known {
		have[k] = true
	}
	for _, k := range was.Known {
		if !have[k] {
			n++
		}
	}
	return n
}

// differ names the first class in which a process and the job differ; empty when they agree.
func differ(job, process []statedir.Class) string {
	for _, w := range job {
		i := slices.IndexFunc(process, func(k statedir.Class) bool { return k.Name == w.Name })
		switch {
		case i < 0:
			return fmt.Sprintf("class %s is missing", w.Name)
		case process[i].Fingerprint != w.Fingerprint:
			return fmt.Sprintf("class %s has fingerprint %016x instead of %016x", w.Name, process[i].Fingerprint, w.Fingerprint)
		}
	}
	for _, k := range process {
		if !slices.ContainsFunc(job, func(w statedir.Class) bool { return w.Name == k.Name }) {
			return fmt.Sprintf("class %s is new", k.Name)
		}
	}
	return ""
}

// newestState finds the newest checkpoint that verifies; zero values when there is none.
func (c *coordinator) newestState() (newest snapshot.Info, meta snapshot.Meta, err error) {
	r, err := c.newestCheckpoint()
	if err != nil || r == nil {
		return newest, meta, err
	}
	newest, meta = r.Info(), r.Meta()
	c.mu.Lock()
	c.saves.sure = max(c.saves.sure, newest.Seq)
	c.mu.Unlock()
	return newest, meta, r.release()
}

// withVoids adds to the mutations that job leaves out those that the log says are.
func withVoids(job statedir.Job, voids []uint64) []uint64 {
	out := job.Voids
	for _, v := range voids {
		if !slices.Contains(job.LeftOut(), v) {
			out = withVoid(out, v)
		}
	}
	return out
}

// clockOf is the coordinator's clock as a checkpoint holds it; 0 when there is none.
func clockOf(newest snapshot.Info) int64 {
	if newest.Seq == 0 {
		return 0
	}
	return newest.Time.UnixNano()
}

// A replayed log is what is behind a checkpoint.
type replayed struct {
	count uint64   // of mutations
	voids []uint64 // which of them the log says are to be left out
	clock int64    // of the last one, 0 when there is none
}

// replay folds the log behind base into the sequencer. A mutation that was skipped must be the one that is there. No epoch
// that job does not know of has ordered any: the record would be older than the log.
func (c *coordinator) replay(log *wal.Log, seq *sequencer.Sequencer, base uint64, job *statedir.Job) (out replayed, err error) {
	switch next := log.Next(); {
	case next == base+1:
		return out, nil
	case next < base+1: // the checkpoint is ahead of the log, as under durability memory: the log goes on behind it
		return out, log.TruncateBefore(base + 1)
	}
	if log.First() > base+1 {
		return out, statedir.Incomplete(c.cfg.StateDir, "its log begins at sequence number %d, its newest usable checkpoint ends at %d", log.First(), base)
	}
	r, err := log.Read(base + 1)
	if err != nil {
		return out, err
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			out.count = seq.Head() - base
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if rec.Count == 0 {
			v, err := voidOf(rec.Data)
			if err != nil {
				return out, fmt.Errorf("log record before sequence number %d: %w", rec.First, err)
			}
			out.voids = append(out.voids, v)
			continue
		}
		b, err := batchOf(rec.Data)
		if err != nil {
			return out, fmt.Errorf("log record at sequence number %d: %w", rec.First, err)
		}
		if b.Epoch > job.Epoch {
			return out, statedir.Incomplete(c.cfg.StateDir, "its log has mutations of epoch %d, job.json knows of %d epochs: it is older", b.Epoch, job.Epoch)
		}
		out.clock = max(out.clock, b.Nanos)
		if err := checkSkips(job.Skips, b); err != nil {
			return out, err
		}
		effect := seq.Step(sequencer.Input{Kind: sequencer.Replay, Session: b.Session, Request: b.Request, Count: b.Count, Sequence: rec.First})[0]
		if effect.Kind == sequencer.Refuse {
			return out, fmt.Errorf("log record at sequence number %d: %s", rec.First, effect.Reason)
		}
	}
}

// batchOf reads the head of a logged frame.
func batchOf(frame []byte) (comm.Batch, error) {
	if len(frame) < comm.HeaderSize {
		return comm.Batch{}, fmt.Errorf("%w: frame of %d bytes", comm.ErrProtocol, len(frame))
	}
	return comm.ParseBatch(frame[comm.HeaderSize:])
}

// withVoid adds a sequence number to those that are left out, if it is not there.
func withVoid(voids []uint64, seq uint64) []uint64 {
	if slices.Contains(voids, seq) {
		return voids
	}
	return append(slices.Clone(voids), seq)
}

// persist brings to disk what is not there yet, and notes that. A job under durability memory that ends without a last checkpoint
// leaves its log instead. A mutation that panicked is noted only now that the log is known to hold it: a void beyond
// the log's end would strike another mutation when the job is resumed.
func (c *coordinator) persist() error {
	c.mu.Lock()
	abandoned := abandons(c.stopping)
	c.mu.Unlock()
	if abandoned {
		c.disk.abandon() // the job is another's now: not a byte more
		return nil
	}
	return c.persisted(c.disk.finish())
}

// persisted does the rest of persist, once the disk's cursor has ended with err.
func (c *coordinator) persisted(err error) error {
	c.mu.Lock()
	wished := errors.Is(c.stopping, errDone)
	abrupt, voided := c.unsaved || !wished, c.voided
	c.mu.Unlock()
	if c.cfg.Durability == Memory && abrupt {
		err = errors.Join(err, c.disk.dump())
	}
	astray := c.dir.Check()
	switch {
	case err != nil || astray != nil:
		return errors.Join(astray, err)
	case voided != 0:
		return c.void(voided)
	}
	if err := c.record(func(*statedir.Job) {}); err != nil && wished {
		return err // else there is a better reason to end, and what the record says is still true
	}
	return nil
}
