package statedir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/wal"
	"dsss/internal/memfs"
	"dsss/internal/vfs"
)

// found is what a process finds that starts after a crash.
type found struct {
	epoch uint64 // of the job record; 0: none
	saved uint64 // sequence number of the newest checkpoint; noSave: none
	first uint64 // of the log
	recs  []wal.Record
	torn  int64 // reported as cut off
	cut   int64 // by how much the last segment was shorter afterwards
}

const noSave = ^uint64(0)

// find does what a coordinator does first, and reads everything.
func find(disk *memfs.Disk, mutate func(vfs.FS) vfs.FS) (f found, log *wal.Log, err error) {
	disk.Kill()
	fsys := vfs.FS(disk)
	if mutate != nil {
		fsys = mutate(disk)
		if m, ok := fsys.(interface{ recovering(bool) }); ok {
			m.recovering(true)
			defer m.recovering(false)
		}
	}
	dir, err := Open(worldDir, Config{FS: fsys, Now: worldTime})
	if err != nil {
		return f, nil, err
	}
	job, exists := dir.Job()
	f.epoch = job.Epoch
	if f.saved, err = findSave(dir.Store()); err != nil {
		return f, nil, err
	}
	before := lastSegment(disk)
	log, recovery, err := dir.OpenLog(worldLog(rand.New(rand.NewPCG(9, 9)), job))
	if err == nil && !exists {
		err = dir.PutJob(Job{Name: "capitals", Status: Running, Log: log.Bound()})
	}
	if err != nil {
		return f, nil, err
	}
	f.torn = recovery.TornBytes
	if before > 0 {
		f.cut = before - lastSegment(disk)
	}
	f.first = log.First()
	f.recs, err = readRecords(log, f.first)
	return f, log, err
}

func findSave(s snapshot.Store) (uint64, error) {
	var refused error
	r, err := s.Newest(func(path string, err error) { refused = err })
	if refused != nil {
		return 0, fmt.Errorf("a checkpoint is damaged: %w", refused)
	}
	if errors.Is(err, snapshot.ErrNone) {
		return noSave, nil
	}
	if err != nil {
		return 0, err
	}
	defer r.Close()
	seq := r.Meta().Seq
	want := worldChunks(seq)
	for c, err := range r.Chunks(1) {
		if err != nil || len(want) == 0 || !bytes.Equal(c, want[0]) {
			return 0, fmt.Errorf("checkpoint %d holds other bytes than were written: %v", seq, err)
		}
		want = want[1:]
	}
	if len(want) > 0 {
		return 0, fmt.Errorf("checkpoint %d lacks %d chunks", seq, len(want))
	}
	return seq, nil
}

func lastSegment(disk *memfs.Disk) int64 {
	dir := filepath.Join(worldDir, logDir)
	names, _ := disk.ReadDir(dir)
	last := ""
	for _, n := range names {
		if filepath.Ext(n) == ".seg" {
			last = n
		}
	}
	if last == "" {
		return 0
	}
	st, err := disk.Stat(filepath.Join(dir, last))
	if err != nil {
		return 0
	}
	return st.Size()
}

func readRecords(log *wal.Log, from uint64) ([]wal.Record, error) {
	r, err := log.Read(from)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var recs []wal.Record
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return recs, nil
		}
		if err != nil {
			return nil, err
		}
		recs = append(recs, rec)
	}
}

// holds compares what was found with what was promised n operations into the
// life of w.
func (w *world) holds(n int, f found) error {
	if f.torn != f.cut {
		return fmt.Errorf("%d bytes were cut off, %d reported", f.cut, f.torn)
	}
	must, may := after(w.jobs, n)
	if err := between("job record", f.epoch, 0, must, may); err != nil {
		return err
	}
	must, may = after(w.saves, n)
	if err := between("checkpoint", f.saved, noSave, must, may); err != nil {
		return err
	}
	_, cuts := after(w.cuts, n)
	allowed := uint64(1)
	for _, c := range cuts {
		allowed = max(allowed, c)
	}
	if f.first > allowed {
		return fmt.Errorf("the log begins at %d, and was truncated before %d", f.first, allowed)
	}
	if base := f.saved + 1; f.first > base && !(f.saved == noSave && f.first == 1) {
		return fmt.Errorf("the log begins at %d, and the checkpoint ends at %d", f.first, f.saved)
	}
	return w.chain(n, f)
}

// between says what is wrong with a value that must be at least the last that
// is certain, and at most the last that was begun.
func between(what string, got, none uint64, must, may []uint64) error {
	if got == none {
		if len(must) > 0 {
			return fmt.Errorf("%s: none, want %d", what, must[len(must)-1])
		}
		return nil
	}
	if !slices.Contains(may, got) {
		return fmt.Errorf("%s: %d was never written (%v)", what, got, may)
	}
	if len(must) > 0 && got < must[len(must)-1] {
		return fmt.Errorf("%s: %d, want %d or later", what, got, must[len(must)-1])
	}
	return nil
}

// chain checks that the log holds everything acknowledged from its first
// sequence number on, once and in order, and otherwise only what was appended
// and not taken back.
func (w *world) chain(n int, f found) error {
	var may []promised[wal.Record]
	for _, p := range w.recs {
		if p.begun < n && n < p.taken {
			may = append(may, p)
		}
	}
	i := 0
	if len(f.recs) > 0 {
		i = slices.IndexFunc(may, func(p promised[wal.Record]) bool { return sameRecord(p.what, f.recs[0]) })
		if i < 0 {
			return fmt.Errorf("record %s was never written", describeRecord(f.recs[0]))
		}
	} else {
		i = slices.IndexFunc(may, func(p promised[wal.Record]) bool { return p.what.First >= f.first && p.acked <= n })
		if i >= 0 && end(may[i].what) > f.first {
			return fmt.Errorf("the log is empty: acknowledged record %s is missing", describeRecord(may[i].what))
		}
		return nil
	}
	for _, p := range may[:i] {
		if p.acked <= n && end(p.what) > f.first {
			return fmt.Errorf("acknowledged record %s is missing at the beginning", describeRecord(p.what))
		}
	}
	for k, r := range f.recs {
		if i+k >= len(may) || !sameRecord(may[i+k].what, r) {
			return fmt.Errorf("record %s was never written there", describeRecord(r))
		}
	}
	for _, p := range may[i+len(f.recs):] {
		if p.acked <= n {
			return fmt.Errorf("acknowledged record %s is missing at the end", describeRecord(p.what))
		}
	}
	return nil
}

// check recovers a crashed disk and says what is wrong. deep also crashes the
// recovery at each of its operations. A disk that put garbage where nothing was
// written may be refused, by name and offset, but not misread.
func (w *world) check(n int, disk *memfs.Disk, mutate func(vfs.FS) vfs.FS, garbage, deep bool) (refused bool, err error) {
	start := disk.Ops()
	if deep {
		disk.Trace()
	}
	f, log, err := find(disk, mutate)
	if garbage && refusedByName(err) {
		return true, nil
	}
	if err == nil {
		err = w.holds(n, f)
	}
	if err != nil {
		return false, err
	}
	if deep {
		for m := start; m <= disk.Ops(); m++ {
			if err := w.crashAgain(n, m, disk, mutate, f); err != nil {
				return false, err
			}
		}
	}
	return false, goesOn(disk, mutate, f, log)
}

func refusedByName(err error) bool {
	var c *wal.CorruptError
	return errors.As(err, &c) && c.Offset >= 0 && c.Path != ""
}

// crashAgain crashes a recovery after m operations; what the next one finds is
// what the first found.
func (w *world) crashAgain(n, m int, disk *memfs.Disk, mutate func(vfs.FS) vfs.FS, f found) error {
	units := disk.Units(m)
	for i := -1; i <= len(units); i++ {
		again := disk.Crash(m, func(j int, u memfs.Unit) int {
			if j == i || i == len(units) {
				return u.Len
			}
			return 0
		}, nil)
		g, _, err := find(again, mutate)
		if err == nil {
			err = w.holds(n, g)
		}
		if err == nil {
			err = f.same(g)
		}
		if err != nil {
			return fmt.Errorf("a crash of the recovery after operation %d that leaves only unit %d of %v: %w", m, i, units, err)
		}
	}
	return nil
}

func (f found) same(g found) error {
	if f.epoch != g.epoch || f.saved != g.saved || f.first != g.first || !slices.EqualFunc(f.recs, g.recs, sameRecord) {
		return fmt.Errorf("the second recovery found another state: epoch %d and %d, checkpoint %d and %d, log from %d and %d, %d and %d records",
			f.epoch, g.epoch, f.saved, g.saved, f.first, g.first, len(f.recs), len(g.recs))
	}
	return nil
}

// goesOn checks that a recovered log takes records and that they, and what was
// recovered, survive the next crash.
func goesOn(disk *memfs.Disk, mutate func(vfs.FS) vfs.FS, f found, log *wal.Log) error {
	next := wal.Record{First: log.Next(), Count: 1, Data: []byte("and on")}
	if err := errors.Join(log.Append([]wal.Record{next}), log.Sync()); err != nil {
		return fmt.Errorf("append after recovery: %w", err)
	}
	g, _, err := find(disk.Crash(disk.Ops(), memfs.None, nil), mutate)
	if err != nil {
		return fmt.Errorf("second recovery: %w", err)
	}
	if g.torn != 0 {
		return fmt.Errorf("second recovery: %d bytes were cut off again", g.torn)
	}
	f.recs = append(slices.Clip(f.recs), next)
	return f.same(g)
}
