package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const ownerFile = "owner"

// ownerRecord is what an owner says of itself.
type ownerRecord struct {
	Host     string    `json:"host"`
	PID      int       `json:"pid"`
	Birth    uint64    `json:"birth"` // start time of the process in clock ticks after boot: a pid may be reused
	Job      string    `json:"job"`
	Started  time.Time `json:"started"`
	Released bool      `json:"released,omitempty"` // on a network file system: given up, free to take
}

func thisOwner(job string) ownerRecord {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	birth, _ := processBirth(os.Getpid())
	return ownerRecord{Host: host, PID: os.Getpid(), Birth: birth, Job: job, Started: time.Now().UTC().Truncate(time.Second)}
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

// alive reports whether the process of a record of this host still runs.
func (r ownerRecord) alive() bool {
	if err := unix.Kill(r.PID, 0); errors.Is(err, unix.ESRCH) {
		return false
	}
	birth, err := processBirth(r.PID)
	return err != nil || birth == r.Birth
}

// processBirth returns field 22 of /proc/PID/stat (proc_pid_stat(5)).
func processBirth(pid int) (uint64, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, err
	}
	// Field 2 is the command in parentheses and may hold anything, so count
	// from the last parenthesis; field 3 follows it.
	_, rest, ok := strings.Cut(string(b[strings.LastIndexByte(string(b), ')')+1:]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 {
		return 0, fmt.Errorf("stat of process %d is not understood", pid)
	}
	return strconv.ParseUint(fields[19], 10, 64)
}

// takeOwnership makes this process the owner of the state directory at path,
// by flock where the file system is this machine's own, else by lease.
func takeOwnership(path, job string) (owner, error) {
	network, err := onNetwork(path)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if network {
		return takeLease(path, thisOwner(job))
	}
	return takeFlock(path, thisOwner(job))
}

// flockOwner holds a flock on the lock file. The kernel ends it with the
// process, so it needs neither heartbeat nor judgement.
type flockOwner struct {
	lock *os.File
	dir  string
	none chan struct{}
}

func takeFlock(dir string, rec ownerRecord) (owner, error) {
	lock, err := lockedFile(filepath.Join(dir, lockFile))
	if errors.Is(err, unix.EWOULDBLOCK) {
		other, _ := readOwner(filepath.Join(dir, ownerFile)) // a missing or damaged record leaves the owner unnamed
		return nil, other.inUse(dir)
	} else if err != nil {
		return nil, fmt.Errorf("lock state directory: %w", err)
	}
	if err := writeFile(filepath.Join(dir, ownerFile), rec.encode()); err != nil {
		lock.Close()
		return nil, fmt.Errorf("lock state directory: %w", err)
	}
	return &flockOwner{lock: lock, dir: dir, none: make(chan struct{})}, nil
}

// lockedFile opens and locks the file at path. A file that lost that name, to
// an owner who abandoned the directory, between the two excludes nobody, so then
// it starts again.
func lockedFile(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
			return nil, &os.PathError{Op: "flock", Path: path, Err: err}
		}
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if named, err := os.Stat(path); err == nil && os.SameFile(mine, named) {
			return f, nil
		}
		f.Close()
	}
}

func (o *flockOwner) lost() <-chan struct{} { return o.none }

// release removes the record first: while the flock is held, it is ours.
func (o *flockOwner) release() error {
	return errors.Join(os.Remove(filepath.Join(o.dir, ownerFile)), o.lock.Close())
}

// abandon removes the lock file as well, while holding it, if nothing else is
// left that it marks.
func (o *flockOwner) abandon() error {
	err := os.Remove(filepath.Join(o.dir, ownerFile))
	if entries, rerr := os.ReadDir(o.dir); rerr == nil && len(entries) == 1 {
		err = errors.Join(err, os.Remove(filepath.Join(o.dir, lockFile)))
	}
	return errors.Join(err, o.lock.Close())
}

func readOwner(path string) (ownerRecord, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return ownerRecord{}, err
	}
	var r ownerRecord
	if err := json.Unmarshal(b, &r); err != nil {
		return ownerRecord{}, fmt.Errorf("owner record %s is damaged: %w", path, err)
	}
	return r, nil
}
