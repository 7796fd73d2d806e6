package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"dsss/internal/machine"
	"dsss/internal/vfs"
)

const ownerFile = "owner"

// ownerRecord is what an owner says of itself.
type ownerRecord struct {
	Host     string    `json:"host"`          // for people: two hosts may have one name
	Boot     string    `json:"boot"`          // the host's boot, random_boot_id(4); empty: unknown
	PIDs     string    `json:"pid_namespace"` // that PID is counted in, namespaces(7); empty: unknown
	PID      int       `json:"pid"`
	Birth    uint64    `json:"birth"` // machine.Process.Birth, as a pid may be reused; 0: unknown
	Job      string    `json:"job"`
	Started  time.Time `json:"started"`
	Released bool      `json:"released,omitempty"` // on a network file system: given up, free to take
}

func thisOwner(job string, now time.Time) ownerRecord {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	self, _ := machine.Find(os.Getpid())
	return ownerRecord{Host: host, Boot: machine.Boot(), PIDs: machine.PIDNamespace(), PID: os.Getpid(), Birth: self.Birth, Job: job, Started: now.UTC().Truncate(time.Second)}
}

func (r ownerRecord) encode() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // plain fields always marshal
	}
	return append(b, '\n')
}

func (r ownerRecord) inUse(path string) error {
	return &InUseError{Path: path, Host: r.Host, PID: r.PID, Job: r.Job, Started: r.Started}
}

// sees reports whether the process ids of another record mean the same
// processes here: it was written under the same kernel, in the same namespace.
// Where that is not known, heartbeats alone tell.
func (r ownerRecord) sees(other ownerRecord) bool {
	return r.Boot != "" && r.Boot == other.Boot && r.PIDs != "" && r.PIDs == other.PIDs
}

// alive reports whether the process of a record that this one sees still runs.
func (r ownerRecord) alive() bool {
	if err := unix.Kill(r.PID, 0); errors.Is(err, unix.ESRCH) {
		return false
	}
	p, ok := machine.Find(r.PID)
	return !ok || r.Birth == 0 || p.Birth == r.Birth
}

// takeOwnership makes this process the owner of the state directory at path,
// by flock where the file system is this machine's own, else by lease.
func takeOwnership(fsys vfs.FS, path string, self ownerRecord) (owner, error) {
	remote, err := fsys.Remote(path)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if remote {
		return takeLease(path, self)
	}
	return takeFlock(fsys, path, self)
}

// flockOwner holds a flock on the directory. The kernel ends it with the
// process, so it needs neither heartbeat nor judgement.
type flockOwner struct {
	fs   vfs.FS
	lock io.Closer
	dir  string
	none chan struct{}
}

func takeFlock(fsys vfs.FS, dir string, rec ownerRecord) (owner, error) {
	lock, err := fsys.Lock(dir)
	if errors.Is(err, vfs.ErrLocked) {
		other, _ := readOwner(fsys, filepath.Join(dir, ownerFile)) // a missing or damaged record leaves the owner unnamed
		return nil, other.inUse(dir)
	} else if err != nil {
		return nil, fmt.Errorf("lock state directory: %w", err)
	}
	if err := vfs.WriteFile(fsys, filepath.Join(dir, ownerFile), rec.encode()); err != nil {
		lock.Close()
		return nil, fmt.Errorf("lock state directory: %w", err)
	}
	return &flockOwner{fs: fsys, lock: lock, dir: dir, none: make(chan struct{})}, nil
}

func (o *flockOwner) sure() bool { return true }

func (o *flockOwner) lost() <-chan struct{} { return o.none }

// release removes the record first: while the lock is held, it is ours.
func (o *flockOwner) release() error { return errors.Join(o.forget(), o.lock.Close()) }

// abandon removes the directory while it is locked: who waits for the lock then
// finds that it has lost its name.
func (o *flockOwner) abandon(made bool) error {
	err := o.forget()
	if made {
		_ = o.fs.Remove(o.dir) // unless it holds something
	}
	return errors.Join(err, o.lock.Close())
}

// forget removes the record. It may be gone: with the directory, or by a cleaner's hand.
func (o *flockOwner) forget() error {
	if err := o.fs.Remove(filepath.Join(o.dir, ownerFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func readOwner(fsys vfs.FS, path string) (ownerRecord, error) {
	b, err := vfs.ReadFile(fsys, path)
	if err != nil {
		return ownerRecord{}, err
	}
	var r ownerRecord
	if err := json.Unmarshal(b, &r); err != nil {
		return ownerRecord{}, fmt.Errorf("owner record %s is damaged: %w", path, err)
	}
	return r, nil
}
