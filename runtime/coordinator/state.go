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
	"dsss/internal/build"
	"dsss/internal/stream"
	"dsss/runtime/order"
)

// open brings the state directory to life when the first keeper says hello: before it, nobody knows which program this is.
// It is a task. A state that cannot be used is left as it was.
func (c *Core) open(hello *wire.HelloT) {
	o, err := c.openState(hello)
	if err == nil {
		c.handle(order.Event{Kind: order.Begun, Message: o, Held: c.held()})
		return
	}
	ev := order.Event{Kind: order.NotBegun, Code: wire.RefusalState, Usage: true}
	var refused *comm.RefusedError
	switch {
	case errors.As(err, &refused):
		ev.Code, ev.Reason = refused.Code, refused.Reason
	case errors.Is(err, statedir.ErrIncomplete):
		ev.Reason = err.Error() // it says where
	default:
		ev.Reason = fmt.Sprintf("state directory %s: %v", c.cfg.StateDir, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.openError = usageError{&comm.RefusedError{Code: ev.Code, Reason: ev.Reason}}
	c.handleLocked(ev)
}

func (c *Core) openState(hello *wire.HelloT) (*order.Opened, error) {
	job, exists := c.dir.Job()
	if exists {
		if err := samePrograms(&job, hello, c.cfg.StateDir); err != nil {
			return nil, err
		}
	}
	newest, meta, err := c.newestState()
	if err != nil {
		return nil, err
	}
	log, recovery, err := c.openLog(&job, newest.Seq, false)
	if err != nil {
		return nil, err
	}
	if err := c.complete(job, newest, meta.Log, log); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	c.warnTorn(recovery)
	former := job
	table := order.Table{Head: newest.Seq, Sessions: meta.Sessions, Ended: meta.Ended}
	f, err := c.fold(log, &table, &former)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	head := table.Head
	job.Omitted = slices.DeleteFunc(withOmitted(job, f.omitted), func(v uint64) bool { return v > head }) // the log lost it
	job.Skips = slices.DeleteFunc(slices.Clone(job.Skips), func(s statedir.Skip) bool { return s.Sequence > head })
	job.Suspects = slices.DeleteFunc(slices.Clone(job.Suspects), func(s statedir.Suspect) bool { return s.Sequence > head })
	job.Epoch++
	job.Run++
	job.Log, job.Checkpoint = log.Bound(), boundOf(newest)
	job.Name, job.Program, job.Build, job.Classes = c.cfg.Job, hello.Program, hello.Build, withFormer(classesOf(hello.Classes), job.Classes)
	job.Starts = []statedir.Start{{Epoch: job.Epoch, Base: head}}
	job.Status = statedir.Running
	job.Durability = string(c.cfg.Durability)
	if err := c.dir.PutJob(job); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	o := c.begin(job, log, table, max(clockOf(newest), f.clock), head, newest.Seq, nil)
	if exists {
		c.tell(&wire.EventT{What: wire.HappeningResumed, Sequence: newest.Seq, Count: head - newest.Seq})
		c.sayRebuilt(former.Build, job)
		c.sayOmitted(job, newest.Seq)
	}
	return o, nil
}

// sayOmitted says which mutations behind base replicas leave out; a checkpoint behind one has left it out already, and the
// run that wrote it said so.
func (c *Core) sayOmitted(job statedir.Job, base uint64) {
	for _, v := range job.Omitted {
		if v > base {
			c.tell(&wire.EventT{What: wire.HappeningWarned, Sequence: v, Text: fmt.Sprintf("leaving out the mutation at sequence number %d, which panicked in an earlier run", v)})
		}
	}
	for _, s := range job.Skips {
		if s.Sequence > base {
			c.tell(&wire.EventT{What: wire.HappeningWarned, Sequence: s.Sequence, Text: fmt.Sprintf("leaving out %v, as dsss skip asked", s.Suspect)})
		}
	}
}

// begin has log and disk in place for the order to go on, and returns what the machine is to know. clock is that of the
// last batch; persisted is how far the disk has it; saved is the newest checkpoint; entries are what replicas brought that
// the disk may lack, up to the head. Where neither has what lies between the disk's end and the head, replicas have it, and
// the next checkpoint will, for which the disk's cursor waits.
func (c *Core) begin(job statedir.Job, log *wal.Log, table order.Table, clock int64, persisted, saved uint64, entries []tailEntry) *order.Opened {
	next := log.Next()
	for len(entries) > 0 && entries[0].last() < next {
		entries = entries[1:]
	}
	first := table.Head + 1
	if len(entries) > 0 {
		first = min(entries[0].first, first)
	}
	c.hist.Begin(disk{log}, first)
	for _, e := range entries {
		s := c.hist.Space(len(e.frame))
		copy(s.Frame, e.frame)
		c.hist.Append(e.first, e.count, uint8(stream.Domain(e.stream)), s)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log, c.job, c.disk = log, job, newDisk(c, next)
	c.clock = max(c.clock, clock)
	c.opened.Store(true)
	c.disk.poke()
	return &order.Opened{
		Table: table, Persisted: persisted, Epoch: job.Epoch, Run: job.Run, Starts: startsOf(job), Program: job.Program, Build: job.Build, Durability: job.Durability,
		Classes: wireClasses(job.Classes), Omitted: job.LeftOut(), Log: job.Log.ID, Saved: saved, Sure: c.sure,
	}
}

// openLog opens a job's log, behind a checkpoint at base, for the job's next epoch.
func (c *Core) openLog(job *statedir.Job, base uint64, trust bool) (*wal.Log, wal.Recovery, error) {
	log, recovery, err := c.dir.OpenLog(wal.Config{First: base + 1, Tag: job.Epoch + 1, Bound: job.Log, SegmentBytes: c.cfg.Segment, Trust: trust, Rand: c.ports.Salts})
	if errors.Is(err, wal.ErrCorrupt) {
		err = fmt.Errorf("%w: put the whole directory back from one copy, or name another directory; 'dsss checkpoint' shows what checkpoints hold", err)
	}
	return log, recovery, err
}

// warnTorn says what was cut off the log, if anything was.
func (c *Core) warnTorn(r wal.Recovery) {
	if r.TornBytes == 0 {
		return
	}
	c.warn(fmt.Sprintf("log %s: cut off %d bytes of an append that a crash interrupted", r.Segment, r.TornBytes))
}

func classesOf(classes []*wire.ClassT) []statedir.Class {
	out := make([]statedir.Class, 0, len(classes))
	for _, k := range classes {
		out = append(out, statedir.Class{Name: k.Name, Fingerprint: k.Fingerprint, Known: k.Known})
	}
	return out
}

func wireClasses(classes []statedir.Class) []*wire.ClassT {
	out := make([]*wire.ClassT, 0, len(classes))
	for _, k := range classes {
		out = append(out, &wire.ClassT{Name: k.Name, Fingerprint: k.Fingerprint, Known: k.Known})
	}
	return out
}

func startsOf(job statedir.Job) []order.Start {
	out := make([]order.Start, len(job.Starts))
	for i, s := range job.Starts {
		out[i] = order.Start(s)
	}
	return out
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
	if job.Program != "" && job.Program != hello.Program { // a record that was rebuilt may not know it
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

// newestState finds the newest checkpoint that verifies; zero values when there is none.
func (c *Core) newestState() (newest snapshot.Info, meta snapshot.Meta, err error) {
	r, err := c.newestCheckpoint()
	if err != nil || r == nil {
		return newest, meta, err
	}
	newest, meta = r.Info(), r.Meta()
	c.mu.Lock()
	c.sure = max(c.sure, newest.Seq)
	c.mu.Unlock()
	return newest, meta, r.release()
}

// withOmitted adds to the mutations that job leaves out those that the log says are.
func withOmitted(job statedir.Job, omitted []uint64) []uint64 {
	out := slices.Clone(job.Omitted)
	for _, v := range omitted {
		if !slices.Contains(job.LeftOut(), v) && !slices.Contains(out, v) {
			out = append(out, v)
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

// A folded log is what is behind a checkpoint.
type folded struct {
	omitted []uint64       // mutations that it says are to be left out
	start   *wire.ControlT // the last Start in it; nil: none
	clock   int64          // of the last batch, 0 when there is none
	epoch   uint64         // the last that ordered any
}

// fold takes the log behind the table into it. A mutation that was skipped must be the one that is there. No epoch that job
// does not know of has ordered any: the record would be older than the log.
func (c *Core) fold(log *wal.Log, table *order.Table, job *statedir.Job) (f folded, err error) {
	base := table.Head
	switch next := log.Next(); {
	case next == base+1:
		return f, nil
	case next < base+1: // the checkpoint is ahead of the log, as under durability memory: the log goes on behind it
		return f, log.TruncateBefore(base + 1)
	}
	if log.First() > base+1 {
		return f, statedir.Incomplete(c.cfg.StateDir, "its log begins at sequence number %d, its newest usable checkpoint ends at %d", log.First(), base)
	}
	err = f.read(log, table, func(b comm.Batch) error {
		if b.Epoch > job.Epoch {
			return statedir.Incomplete(c.cfg.StateDir, "its log has mutations of epoch %d, job.json knows of %d epochs: it is older", b.Epoch, job.Epoch)
		}
		return checkSkips(job.Skips, b)
	})
	return f, err
}

// read folds the log behind the table's head into f and the table, batch by batch as far as check likes them.
func (f *folded) read(log *wal.Log, table *order.Table, check func(comm.Batch) error) error {
	r, err := log.Read(table.Head + 1)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for b, err := range comm.Batches(rec.Data) {
			if err == nil {
				err = check(b)
			}
			if err == nil {
				err = f.add(b, table)
			}
			if err != nil {
				return fmt.Errorf("log record at sequence number %d: %w", rec.First, err)
			}
		}
	}
}

// add folds one batch into f and the table.
func (f *folded) add(b comm.Batch, table *order.Table) error {
	if err := table.Replay(b.Stream, b.Request, b.Count, b.Sequence); err != nil {
		return err
	}
	control, err := comm.ControlOf(b)
	if err != nil {
		return err
	}
	f.clock, f.epoch = max(f.clock, b.Nanos), max(f.epoch, b.Epoch)
	if control == nil {
		return nil
	}
	table.Apply(control)
	switch control.Kind {
	case wire.ControlKindOmit:
		f.omitted = append(f.omitted, control.Sequence)
	case wire.ControlKindStart:
		f.start = control
	}
	return nil
}

// persist brings to disk what is not there yet, and notes that. A job under durability memory that ends without a last
// checkpoint leaves its log instead. stepped: the disk's cursor has no goroutine.
func (c *Core) persist(stepped bool) error {
	c.mu.Lock()
	abandoned, wished := abandons(c.stopping), errors.Is(c.stopping, errDone)
	abrupt := c.unsaved || !wished
	c.mu.Unlock()
	switch {
	case abandoned && !stepped:
		c.disk.abandon() // the job is another's now: not a byte more
		return nil
	case abandoned:
		return nil
	}
	var err error
	switch {
	case !stepped:
		err = c.disk.finish()
	case !c.disk.lazy && !c.disk.broken:
		err = c.disk.dump()
	}
	if c.cfg.Durability == Memory && abrupt {
		err = errors.Join(err, c.disk.dump())
	}
	if astray := c.dir.Check(); err != nil || astray != nil {
		return errors.Join(astray, err)
	}
	panicked := c.machine.Panicked()
	if err := c.record(func(j *statedir.Job) {
		if panicked != 0 { // only now that the log is known to hold it
			j.Omitted, j.Status = withOmitted(*j, []uint64{panicked}), statedir.Failed
		}
	}); err != nil && (wished || panicked != 0) {
		return err // else there is a better reason to end, and what the record says is still true
	}
	return nil
}

// sayRebuilt says that a job goes on with another build than its last run had.
func (c *Core) sayRebuilt(last string, job statedir.Job) {
	if last != "" && last != job.Build {
		c.warn(fmt.Sprintf("resuming with another build of %s (%s, the last run had %s): mutations behind the checkpoint are applied as this one does",
			job.Program, build.Short(job.Build), build.Short(last)))
	}
}
