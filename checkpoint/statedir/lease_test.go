package statedir

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"dsss/internal/limits"
	"dsss/internal/vfs"
)

// foreignLease writes the owner file of another host, beaten age ago.
func foreignLease(t *testing.T, path string, number uint64, age time.Duration) string {
	t.Helper()
	file := leasePath(path, number)
	writeBytes(t, file, ownerRecord{Host: "elsewhere", PID: 1, Job: "far"}.encode())
	when := time.Now().Add(-age)
	if err := os.Chtimes(file, when, when); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestForeignLease(t *testing.T) {
	onNFS(t)
	path := t.TempDir()
	foreignLease(t, path, 7, limits.OwnerStale/2)
	_, err := Open(path, Config{})
	var in *InUseError
	if !errors.As(err, &in) || in.Host != "elsewhere" || in.Job != "far" {
		t.Fatalf("beside a live owner of another host: %v", err)
	}
	foreignLease(t, path, 7, 2*limits.OwnerStale)
	writeBytes(t, leasePath(path, 7)+vfs.TmpSuffix, nil) // of a contender that crashed
	d := openDir(t, path, "")
	if last, err := lastLease(path); last != 8 || err != nil {
		t.Fatalf("owner %d, %v, want 8", last, err)
	}
	if owners, err := filepath.Glob(filepath.Join(path, ownerFile+"*")); len(owners) != 1 || err != nil {
		t.Errorf("owner files %v, %v", owners, err)
	}
	// A claim that rests on a number long gone fails.
	if err := os.Rename(leasePath(path, 8), leasePath(path, 20)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Config{}); !errors.Is(err, ErrInUse) {
		t.Errorf("beside a later owner: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("Close of one that was succeeded: %v", err)
	}
}

// TestHostsOfOneName: a process id is believed only where it means the same process here: on another host of our name, after a
// reboot, and in another process namespace the heartbeat alone tells.
func TestHostsOfOneName(t *testing.T) {
	onNFS(t)
	const gone = 1 << 30 // no process has this id
	for name, c := range map[string]struct {
		change func(r *ownerRecord)
		free   bool
	}{
		"a process of ours that is gone": {func(r *ownerRecord) { r.PID = gone }, true},
		"a process of ours that lives":   {func(*ownerRecord) {}, false},
		"another host of our name":       {func(r *ownerRecord) { r.PID, r.Boot = gone, "another" }, false},
		"another process namespace":      {func(r *ownerRecord) { r.PID, r.PIDs = gone, "pid:[1]" }, false},
		"a record that does not say":     {func(r *ownerRecord) { r.PID, r.Boot, r.PIDs = gone, "", "" }, false},
	} {
		path := t.TempDir()
		other := thisOwner("other", time.Now())
		c.change(&other)
		writeBytes(t, leasePath(path, 1), other.encode())
		if used, err := InUse(path); used == c.free || err != nil {
			t.Errorf("%s: in use %v, %v", name, used, err)
		}
		d, err := Open(path, Config{})
		if c.free != (err == nil) || err != nil && !errors.Is(err, ErrInUse) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestDamagedLease: an owner file that cannot be read holds the directory as
// long as it is fresh.
func TestDamagedLease(t *testing.T) {
	onNFS(t)
	path := t.TempDir()
	file := foreignLease(t, path, 1, 0)
	writeBytes(t, file, []byte("{"))
	if _, err := Open(path, Config{}); !errors.Is(err, ErrInUse) {
		t.Fatalf("fresh: %v", err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	openDir(t, path, "")
}

// TestHeartbeat: the owner's file stays fresh while it lives, and an owner that
// was taken over notices and writes nothing more. The ticks are of a fake
// clock, the times of the files are real.
func TestHeartbeat(t *testing.T) {
	onNFS(t)
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir()
		d, err := Open(path, Config{Job: "beating"})
		if err != nil {
			t.Fatal(err)
		}
		file := leasePath(path, 1)
		old := time.Unix(1e9, 0)
		for range 3 {
			if err := os.Chtimes(file, old, old); err != nil {
				t.Fatal(err)
			}
			time.Sleep(limits.OwnerHeartbeat + 1)
			synctest.Wait()
			if at, err := modTime(file); err != nil || at.Equal(old) {
				t.Fatalf("no heartbeat: %v, %v", at, err)
			}
		}
		select {
		case <-d.Lost():
			t.Fatal("lost, without a successor")
		default:
		}
		writeBytes(t, leasePath(path, 2), ownerRecord{Host: "elsewhere"}.encode())
		<-d.Lost()
		if err := d.PutJob(Job{Name: "beating", Status: Running}); !errors.Is(err, ErrOwnerLost) {
			t.Errorf("PutJob of one that was taken over: %v", err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if r, err := readOwner(vfs.OS, leasePath(path, 2)); err != nil || r.Released {
			t.Errorf("Close touched the successor's file: %+v, %v", r, err)
		}
	})
}

// TestUnsureOwner: an owner that cannot renew its claim, or was stopped, is not
// sure of the directory any more before it can count as dead.
func TestUnsureOwner(t *testing.T) {
	onNFS(t)
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir()
		d, err := Open(path, Config{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * limits.OwnerStale)
		if !d.Sure() {
			t.Error("not sure, though it renews its claim")
		}
		if err := os.Rename(leasePath(path, 1), filepath.Join(path, "aside")); err != nil {
			t.Fatal(err)
		}
		for waited := time.Duration(0); d.Sure(); waited += time.Second {
			if waited >= limits.OwnerStale-time.Second {
				t.Fatalf("sure for %v without a renewal", waited)
			}
			time.Sleep(time.Second)
		}
		if err := os.Rename(filepath.Join(path, "aside"), leasePath(path, 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * limits.OwnerHeartbeat)
		if !d.Sure() {
			t.Error("not sure again")
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestReusedPID: an owner of this host is dead when its process id belongs to a
// process born at another time.
func TestReusedPID(t *testing.T) {
	me := thisOwner("", time.Now())
	if !me.alive() {
		t.Fatal("this process is not alive")
	}
	me.Birth++
	if me.alive() {
		t.Fatal("a process of another birth is taken for this one")
	}
}
