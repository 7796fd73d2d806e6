package statedir

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/wal"
	"dsss/internal/memfs"
	"dsss/internal/vfs"
)

// never is an operation that does not come.
const never = math.MaxInt

// A world is a job on a disk that keeps a trace, and what the job was told, by
// the number of disk operations there had been.
type world struct {
	disk *memfs.Disk
	fs   vfs.FS // disk, or a mutant of it
	rng  *rand.Rand
	dir  *Dir
	log  *wal.Log

	recs  []promised[wal.Record]
	saves []promised[uint64] // sequence numbers of checkpoints
	jobs  []promised[uint64] // epochs of job records
	cuts  []promised[uint64] // what TruncateBefore was given
}

// promised is something that was written.
type promised[T any] struct {
	what  T
	begun int // from this operation on it may be there
	acked int // from this operation on it must be there
	taken int // from this operation on it must not be there: its writer was told that it failed
}

const (
	worldDir     = "/jobs/capitals"
	worldSegment = 2000
	worldKeep    = 2
)

func newWorld(seed uint64, mutate func(vfs.FS) vfs.FS) *world {
	w := &world{disk: memfs.New(), rng: rand.New(rand.NewPCG(seed, 0))}
	w.fs = w.disk
	if mutate != nil {
		w.fs = mutate(w.disk)
	}
	w.disk.Trace()
	return w
}

// worldLog opens a log like the job's, with salts of its own.
func worldLog(rng *rand.Rand, job Job) wal.Config {
	return wal.Config{SegmentBytes: worldSegment, Rand: randReader{rng}, Bound: job.Log}
}

type randReader struct{ *rand.Rand }

func (r randReader) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(r.IntN(256))
	}
	return len(b), nil
}

func worldTime() time.Time { return time.Unix(1.7e9, 0) }

func (w *world) now() int { return w.disk.Ops() }

// run does steps of random work, and ends in the middle of it.
func (w *world) run(steps int) error {
	if err := w.open(); err != nil {
		return err
	}
	for range steps {
		var err error
		switch p := w.rng.IntN(100); {
		case p < 40:
			err = w.append()
		case p < 65:
			err = w.sync()
		case p < 77:
			err = w.save()
		case p < 85:
			err = w.putJob()
		case p < 90:
			err = w.kill()
		case p < 94:
			err = w.noRoom()
		case p < 96:
			err = w.noRoomNoSync()
		default:
			err = w.badSync()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) open() (err error) {
	if m, ok := w.fs.(interface{ recovering(bool) }); ok {
		m.recovering(true)
		defer m.recovering(false)
	}
	if w.dir, err = Open(worldDir, Config{FS: w.fs, Now: worldTime}); err != nil {
		return err
	}
	job, exists := w.dir.Job()
	if w.log, _, err = w.dir.OpenLog(worldLog(w.rng, job)); err != nil {
		return err
	}
	w.acknowledge() // the job goes on from what it reads now
	if !exists {
		return w.putJob()
	}
	return nil
}

// kill ends the process and starts another; the machine goes on.
func (w *world) kill() error {
	w.disk.Kill()
	return w.open()
}

func (w *world) acknowledge() {
	for i := range w.recs {
		if r := &w.recs[i]; r.acked == never && r.taken == never {
			r.acked = w.now()
		}
	}
}

// group makes records that continue the log.
func (w *world) group() []wal.Record {
	recs := make([]wal.Record, 1+w.rng.IntN(3))
	next := w.log.Next()
	for i := range recs {
		size := []int{8, 40, 300, 700, 1500}[w.rng.IntN(5)]
		data := make([]byte, size-w.rng.IntN(8))
		for j := range data {
			data[j] = byte(1 + w.rng.IntN(255))
		}
		recs[i] = wal.Record{First: next, Count: uint32(1 + w.rng.IntN(4)), Data: data}
		next = recs[i].First + uint64(recs[i].Count)
	}
	return recs
}

func (w *world) append() error {
	group, begun := w.group(), w.now()
	err := w.log.Append(group)
	taken := never
	if err != nil {
		taken = w.now()
	}
	for _, r := range group {
		w.recs = append(w.recs, promised[wal.Record]{r, begun, never, taken})
	}
	return err
}

func (w *world) sync() error {
	err := w.log.Sync()
	if err == nil {
		w.acknowledge()
	}
	return err
}

// save writes a checkpoint of all that is acknowledged and removes what it
// makes superfluous, as the coordinator does.
func (w *world) save() error {
	if err := w.sync(); err != nil {
		return err
	}
	store, seq := w.dir.Store(), w.log.Next()-1
	w.saves = append(w.saves, promised[uint64]{seq, w.now(), never, never})
	if err := writeWorldCheckpoint(store, seq); err != nil {
		return err
	}
	w.saves[len(w.saves)-1].acked = w.now()
	if err := w.putJob(); err != nil {
		return err
	}
	if err := store.Retain(worldKeep); err != nil {
		return err
	}
	kept, err := store.List()
	if err != nil {
		return err
	}
	before := kept[len(kept)-1].Seq + 1
	w.cuts = append(w.cuts, promised[uint64]{before, w.now(), never, never})
	return w.log.TruncateBefore(before)
}

// worldChunks is the state at a sequence number: some small chunks, and some
// that overflow a page.
func worldChunks(seq uint64) [][]byte {
	random := rand.NewChaCha8([32]byte{byte(seq), byte(seq >> 8)})
	chunks := make([][]byte, 1+random.Uint64()%4)
	for i := range chunks {
		chunks[i] = make([]byte, random.Uint64()%6000)
		random.Read(chunks[i]) // never fails
	}
	return chunks
}

func writeWorldCheckpoint(s snapshot.Store, seq uint64) error {
	w, err := s.Create(snapshot.Meta{Seq: seq, Epoch: 1, Run: 1, Job: "capitals", Time: worldTime(), Sessions: map[uint64]uint64{seq: 1}})
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := w.BeginObject(snapshot.Object{ID: 1, Name: "pool"}); err != nil {
		return err
	}
	for _, c := range worldChunks(seq) {
		if err := w.Chunk(c); err != nil {
			return err
		}
	}
	_, err = w.Commit()
	return err
}

// putJob puts a job record, which says how far the log on disk reaches.
func (w *world) putJob() error {
	epoch := uint64(len(w.jobs) + 1)
	w.jobs = append(w.jobs, promised[uint64]{epoch, w.now(), never, never})
	bound := w.log.Bound()
	if m, ok := w.fs.(*mutant); ok && m.early {
		bound.Next = w.log.Next()
	}
	if err := w.dir.PutJob(Job{Name: "capitals", Status: Running, Epoch: epoch, Log: bound}); err != nil {
		return err
	}
	w.jobs[epoch-1].acked = w.now()
	return nil
}

// fail makes the next operation of a kind on a segment fail.
func (w *world) fail(kind memfs.Kind, fault memfs.Fault) {
	failed := false
	w.disk.Inject(func(op memfs.Op) memfs.Fault {
		if op.Kind != kind || failed {
			return memfs.Fault{}
		}
		failed = true
		return fault
	})
}

// noRoom appends while only some of it fits.
func (w *world) noRoom() error {
	w.fail(memfs.Write, memfs.Fault{Err: syscall.ENOSPC, Short: w.rng.IntN(900)})
	defer w.disk.Inject(nil)
	if err := w.append(); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("append on a full disk: %v", err)
	}
	return nil
}

// noRoomNoSync appends while only some of it fits, and what is cut off again does
// not reach the disk either: the log is given up, and another process goes on.
func (w *world) noRoomNoSync() error {
	short := memfs.Fault{Err: syscall.ENOSPC, Short: w.rng.IntN(900)}
	wrote, synced := false, false
	w.disk.Inject(func(op memfs.Op) memfs.Fault {
		switch {
		case op.Kind == memfs.Write && !wrote:
			wrote = true
			return short
		case op.Kind == memfs.Sync && wrote && !synced:
			synced = true
			return memfs.Fault{Err: syscall.EIO}
		}
		return memfs.Fault{}
	})
	before := len(w.recs)
	err := w.append()
	w.disk.Inject(nil)
	switch {
	case err == nil:
		return nil // by a mutant
	case !errors.Is(err, wal.ErrFailed) && !errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("append on a full disk that does not sync: %v", err)
	}
	for i := range w.recs[before:] { // until the next process has cut them off, nobody knows
		w.recs[before+i].taken = never - 1
	}
	err = w.kill()
	for i := range w.recs[before:] {
		w.recs[before+i].taken = w.now()
	}
	return err
}

// badSync meets a failing sync and goes on in another process, on the same
// machine, which still holds in memory what it did not write.
func (w *world) badSync() error {
	if err := w.append(); err != nil {
		return err
	}
	w.fail(memfs.Sync, memfs.Fault{Err: syscall.EIO})
	err := w.sync()
	w.disk.Inject(nil)
	if err == nil {
		return nil // by a mutant
	}
	if !errors.Is(err, wal.ErrFailed) {
		return fmt.Errorf("a failing sync: %v", err)
	}
	return w.kill()
}

// after returns what must be there after n operations, and what may.
func after[T any](all []promised[T], n int) (must, may []T) {
	for _, p := range all {
		if p.acked <= n {
			must = append(must, p.what)
		}
		if p.begun < n && n < p.taken {
			may = append(may, p.what)
		}
	}
	return must, may
}

// end returns the sequence number behind a record.
func end(r wal.Record) uint64 { return r.First + uint64(r.Count) }

func sameRecord(a, b wal.Record) bool {
	return a.First == b.First && a.Count == b.Count && slices.Equal(a.Data, b.Data)
}

func describeRecord(r wal.Record) string {
	b := make([]byte, 8)
	copy(b, r.Data)
	return fmt.Sprintf("%d+%d (%d bytes %x)", r.First, r.Count, len(r.Data), binary.BigEndian.Uint64(b))
}
