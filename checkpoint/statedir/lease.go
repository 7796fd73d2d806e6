package statedir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"dsss/internal/limits"
	"dsss/internal/vfs"
)

// lease is ownership on a network file system, where flock may mean nothing. It
// is the operating system's alone, because it rests on link(2) and on a file
// server's clock.
//
// Owners are numbered: owner.N is the N-th, the highest number is the present
// one, and link(2), which is atomic on NFS too (open(2), O_EXCL), decides who
// becomes N+1. No file of a live number is ever removed, so a slow contender
// cannot undo a faster one's claim: it only finds the number taken.
//
// The owner renews the modification time of its file; a contender compares it
// with the modification time of a file it has just made itself, both times being
// the file server's.
type lease struct {
	dir    string
	number uint64
	record ownerRecord

	stop chan struct{}
	done sync.WaitGroup
	gone chan struct{} // closed once number+1 exists

	began   time.Time    // the clock that renewed is on, which goes on while the process is stopped
	renewed atomic.Int64 // when the last renewal that succeeded was begun, in ns
}

func leasePath(dir string, number uint64) string {
	return filepath.Join(dir, ownerFile+"."+strconv.FormatUint(number, 10))
}

func takeLease(dir string, rec ownerRecord) (owner, error) {
	tmp, err := os.CreateTemp(dir, ownerFile+".*"+vfs.TmpSuffix)
	if err != nil {
		return nil, fmt.Errorf("lock state directory: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(rec.encode())
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return nil, fmt.Errorf("lock state directory: %w", err)
	}
	last, err := lastLease(dir)
	if err != nil {
		return nil, fmt.Errorf("lock state directory: %w", err)
	}
	if last > 0 {
		if err := checkFree(dir, last, rec, tmp.Name()); err != nil {
			return nil, err
		}
	}
	err = os.Link(tmp.Name(), leasePath(dir, last+1))
	if errors.Is(err, os.ErrExist) || errors.Is(err, os.ErrNotExist) { // the winner removes what contenders left
		other, _ := readOwner(vfs.OS, leasePath(dir, last+1)) // a missing or damaged record leaves the owner unnamed
		return nil, other.inUse(dir)
	} else if err != nil {
		return nil, fmt.Errorf("lock state directory: %w", err)
	}
	// A number that was superseded and removed while this process looked away
	// can be linked again. A higher one then exists, for it came before the
	// removal.
	if highest, err := lastLease(dir); err != nil || highest > last+1 {
		os.Remove(leasePath(dir, last+1))
		other, _ := readOwner(vfs.OS, leasePath(dir, highest))
		return nil, errors.Join(err, other.inUse(dir))
	}
	l := &lease{dir: dir, number: last + 1, record: rec, stop: make(chan struct{}), gone: make(chan struct{}), began: time.Now()}
	l.done.Go(l.beat)
	if err := removeLosers(dir, l.number); err != nil {
		return nil, errors.Join(fmt.Errorf("lock state directory: %w", err), l.release())
	}
	return l, nil
}

// removeLosers removes the owner files before the number, and those of
// contenders, which a crash may have left.
func removeLosers(dir string, number uint64) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		s, ok := strings.CutPrefix(e.Name(), ownerFile+".")
		n, err := strconv.ParseUint(s, 10, 64)
		if ok && (strings.HasSuffix(s, vfs.TmpSuffix) || err == nil && n < number) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// lastLease returns the highest owner number; 0 when there is none.
func lastLease(dir string) (uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	var last uint64
	for _, e := range entries {
		if s, ok := strings.CutPrefix(e.Name(), ownerFile+"."); ok {
			if n, err := strconv.ParseUint(s, 10, 64); err == nil {
				last = max(last, n)
			}
		}
	}
	return last, nil
}

// checkFree returns an *InUseError unless the owner of the number has released
// the directory or is dead: where its process id means something here, by its
// process, else by its heartbeat; names of hosts tell nothing. fresh is a file
// made just now.
func checkFree(dir string, number uint64, self ownerRecord, fresh string) error {
	path := leasePath(dir, number)
	other, err := readOwner(vfs.OS, path)
	damaged := err != nil // by a full disk, say: then only the heartbeat tells
	if !damaged && other.Released {
		return nil
	}
	if !damaged && self.sees(other) {
		if other.alive() {
			return other.inUse(dir)
		}
		return nil
	}
	beat, err := modTime(path)
	if err != nil {
		return fmt.Errorf("lock state directory: %w", err)
	}
	now, err := modTime(fresh)
	if err != nil {
		return fmt.Errorf("lock state directory: %w", err)
	}
	if now.Sub(beat) < limits.OwnerStale {
		return other.inUse(dir)
	}
	return nil
}

// leased tells whether the last owner has neither released the directory nor
// died, as far as its process tells.
func leased(dir string) (bool, error) {
	last, err := lastLease(dir)
	if err != nil || last == 0 {
		return false, err
	}
	other, err := readOwner(vfs.OS, leasePath(dir, last))
	if err != nil {
		return false, err
	}
	return !other.Released && (!thisOwner("", time.Now()).sees(other) || other.alive()), nil
}

// modTime opens the file first: NFS promises fresh attributes to those who open
// (close-to-open consistency, RFC 7530 section 10.3.1).
func modTime(path string) (time.Time, error) {
	f, err := os.Open(path)
	if err != nil {
		return time.Time{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	return st.ModTime(), nil
}

// beat renews the lease until release or until a successor is seen. A renewal
// that fails is tried again at the next tick: whether the lease is lost is for
// the contender's clock to say.
func (l *lease) beat() {
	tick := time.NewTicker(limits.OwnerHeartbeat)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
		}
		if l.succeeded() {
			close(l.gone)
			return
		}
		now := time.Since(l.began)
		// Two nil times mean now, by the server's clock.
		if unix.UtimesNanoAt(unix.AT_FDCWD, leasePath(l.dir, l.number), nil, 0) == nil {
			l.renewed.Store(int64(now))
		}
	}
}

// succeeded reports whether a later owner exists, by opening, which asks the server.
func (l *lease) succeeded() bool {
	last, err := lastLease(l.dir)
	if err == nil && last > l.number {
		return true
	}
	f, err := os.Open(leasePath(l.dir, l.number+1))
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// sure leaves one heartbeat for what the owner does next.
func (l *lease) sure() bool {
	return time.Since(l.began)-time.Duration(l.renewed.Load()) < limits.OwnerStale-limits.OwnerHeartbeat
}

func (l *lease) lost() <-chan struct{} { return l.gone }

// release marks the number as free to succeed. The file stays: numbers must
// not be used twice.
func (l *lease) release() error {
	close(l.stop)
	l.done.Wait()
	if l.succeeded() {
		return nil
	}
	l.record.Released = true
	if err := vfs.WriteFile(vfs.OS, leasePath(l.dir, l.number), l.record.encode()); err != nil {
		return fmt.Errorf("release state directory: %w", err)
	}
	return nil
}

// abandon is release: without the file of its last owner the directory would
// count from one again.
func (l *lease) abandon(bool) error { return l.release() }
