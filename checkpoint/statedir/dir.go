package statedir

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/wal"
	"dsss/internal/vfs"
)

// defaultFS is what a Config that names no file system means. Tests replace it.
var defaultFS = vfs.OS

const (
	jobFile        = "job.json"
	logDir         = "log"
	checkpointsDir = "checkpoints"
)

// Config configures Open. The zero value is valid.
type Config struct {
	// Job is the job's name as the error of another process that wants the
	// directory shows it. Empty: the name is not shown.
	Job string
	// FS is the file system that holds the directory; nil means the operating system's.
	FS vfs.FS
	// Now dates the job record and the owner's; nil means time.Now.
	Now func() time.Time
	// Incomplete also opens a directory that holds state and no job record, which is [ErrIncomplete] else.
	Incomplete bool
}

// Dir is a state directory owned by this process. Its methods may be called
// concurrently.
type Dir struct {
	path  string
	fs    vfs.FS
	now   func() time.Time
	owner owner
	made  bool // Open made the directory
	// places are the directory and those in it, held open; empty where the files
	// are not the operating system's.
	places []place

	mu     sync.Mutex
	job    Job
	exists bool // job.json holds job
	closed bool
}

// owner is the proof that this process, and no other, owns a directory.
type owner interface {
	lost() <-chan struct{} // closed once another process has taken over
	sure() bool            // no other process can have taken over by now
	release() error
	// abandon releases the directory after removing the owner's record and, if
	// made is true, the directory, if that can be done without letting two
	// others in.
	abandon(made bool) error
}

// Open makes the caller the owner of the state directory at path, creating
// it, its parents and its subdirectories where they are missing.
//
// It fails with an *InUseError ([ErrInUse]) while a live process owns the
// directory, also one opened by this process, with [ErrNotStateDir] for a
// directory that holds something else, and with [ErrIncomplete] for one that
// holds a log or checkpoints without a job record. The owner releases it with Close; the
// directory of a process that was killed is free at once on a local file system,
// and on a network file system where the dead owner was of the same boot and pid
// namespace; for others it is 30 seconds later. A directory must not be used through a network file
// system and directly on its server at the same time.
func Open(path string, cfg Config) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	fsys, now := cmp.Or(cfg.FS, defaultFS), cfg.Now
	if now == nil {
		now = time.Now
	}
	_, err = fsys.Stat(path)
	made := errors.Is(err, fs.ErrNotExist)
	if err := vfs.MakeDir(fsys, path); err != nil {
		return nil, fmt.Errorf("create state directory: %w", err)
	}
	if err := checkStateDir(fsys, path); errors.Is(err, ErrNotStateDir) {
		return nil, fmt.Errorf("%w: name an empty or a new directory", err)
	} else if err != nil {
		return nil, err
	}
	own, err := takeOwnership(fsys, path, thisOwner(cfg.Job, now()))
	if err != nil {
		return nil, err
	}
	d := &Dir{path: path, fs: fsys, now: now, owner: own, made: made}
	if d.job, d.exists, err = readJob(fsys, path); err != nil {
		return nil, errors.Join(err, own.release())
	}
	if !d.exists && !cfg.Incomplete {
		if err := needsRecord(fsys, path); err != nil {
			return nil, errors.Join(err, own.release())
		}
	}
	if err := d.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("create state directory: %w", err), d.Close())
	}
	return d, nil
}

// prepare makes what is missing in the directory, and holds it.
func (d *Dir) prepare() error {
	for _, sub := range []string{d.path, d.LogDir(), d.CheckpointDir()} {
		if err := vfs.MakeDir(d.fs, sub); err != nil {
			return err
		}
		if d.fs != vfs.OS {
			continue
		}
		p, err := placeOf(sub)
		if err != nil {
			return err
		}
		d.places = append(d.places, p)
	}
	return d.secure()
}

// secure makes the names of the directory and in it durable: whoever made them
// may have died before they were.
func (d *Dir) secure() error {
	if err := d.fs.SyncDir(d.path); err != nil || d.exists {
		return err
	}
	err := d.fs.SyncDir(filepath.Dir(d.path))
	if errors.Is(err, fs.ErrPermission) {
		return nil // it was there before, and whoever may write to it answers for it
	}
	return err
}

// Path returns the absolute path of the directory.
func (d *Dir) Path() string { return d.path }

// LogDir returns the path of the directory's log.
func (d *Dir) LogDir() string { return filepath.Join(d.path, logDir) }

// OpenLog opens the directory's log, on its file system; cfg.FS and cfg.Here are ignored. A log that is less than
// cfg.Bound is [ErrIncomplete].
func (d *Dir) OpenLog(cfg wal.Config) (*wal.Log, wal.Recovery, error) {
	cfg.FS, cfg.Here = d.fs, d.Check
	log, recovery, err := wal.Open(d.LogDir(), cfg)
	return log, recovery, incomplete(d.path, err)
}

// Store returns the directory's checkpoints.
func (d *Dir) Store() snapshot.Store {
	return snapshot.Store{Dir: d.CheckpointDir(), FS: d.fs, Here: d.Check}
}

// CheckpointDir returns the path of the directory's checkpoints.
func (d *Dir) CheckpointDir() string { return CheckpointDirOf(d.path) }

// Lost returns a channel that is closed when another process has taken the
// directory over, which happens only on a network file system, to a process
// that was stopped or cut off for longer than the heartbeat allows. The owner
// must then write nothing more.
func (d *Dir) Lost() <-chan struct{} { return d.owner.lost() }

// Sure reports whether no other process can have taken the directory over yet.
// On a network file system it is false for an owner that has not been able to
// renew its claim for almost as long as makes it stale: one that was stopped, for
// example, and does not know it yet. It costs a few ns.
func (d *Dir) Sure() bool { return d.owner.sure() }

// Job returns the job record; false when the directory is new. The caller must
// not modify the slices of what it is given.
func (d *Dir) Job() (Job, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.job, d.exists
}

// PutJob replaces the job record in one step: after a crash the directory holds
// the old record or the new one. It sets Format and Updated, and Created where
// that is zero.
func (d *Dir) PutJob(j Job) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return fmt.Errorf("put job record: %w", ErrClosed)
	}
	select {
	case <-d.owner.lost():
		return fmt.Errorf("put job record in %s: %w", d.path, ErrOwnerLost)
	default:
	}
	if err := errors.Join(j.validate(), d.Check()); err != nil {
		return fmt.Errorf("put job record: %w", err)
	}
	j.Format = Format
	j.Updated = d.now().UTC().Truncate(time.Millisecond)
	if j.Created.IsZero() {
		j.Created = j.Updated
	}
	j.Classes, j.Omitted, j.Starts = slices.Clone(j.Classes), slices.Clone(j.Omitted), slices.Clone(j.Starts)
	b, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return fmt.Errorf("put job record: %w", err)
	}
	if err := vfs.WriteFile(d.fs, filepath.Join(d.path, jobFile), append(b, '\n')); err != nil {
		return fmt.Errorf("put job record: %w", err)
	}
	d.job, d.exists = j, true
	return nil
}

// Close releases the directory. Further calls do nothing.
func (d *Dir) Close() error { return d.end(d.owner.release) }

// end lets go of the open directories, so that Check finds nothing any more, and releases the ownership, once.
func (d *Dir) end(release func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	for _, p := range d.places {
		_ = p.dir.Close() // it was only looked at
	}
	return release()
}

// Abandon is Close for a job that was refused before it began: where the
// directory has no job record and nothing in it, Abandon also removes what
// Open made, except for parents. On a network file system an empty state
// directory stays.
func (d *Dir) Abandon() error {
	return d.end(func() error {
		if d.exists {
			return d.owner.release()
		}
		for _, sub := range []string{d.LogDir(), d.CheckpointDir()} {
			if err := d.fs.Remove(sub); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return d.owner.release() // it holds something
			}
		}
		return d.owner.abandon(d.made)
	})
}

// Peek reads the job record of a state directory without owning it, while
// another process may. It returns false when the directory is missing, empty or
// has no job record yet and nothing else, [ErrNotStateDir] when it holds something else, and [ErrIncomplete] when it holds
// state without a record.
func Peek(path string) (Job, bool, error) {
	if _, err := defaultFS.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return Job{}, false, nil
	}
	if err := checkStateDir(defaultFS, path); err != nil {
		return Job{}, false, err
	}
	job, exists, err := readJob(defaultFS, path)
	if err == nil && !exists {
		err = needsRecord(defaultFS, path)
	}
	return job, exists, err
}

// InUse tells whether a process owns the state directory at path, as far as
// that can be seen without owning it.
func InUse(path string) (bool, error) {
	remote, err := defaultFS.Remote(path)
	if err != nil {
		return false, err
	}
	if remote {
		return leased(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	// A shared lock is enough to see, and is gone before an owner has tried a second time.
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
