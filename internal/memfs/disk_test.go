package memfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"dsss/internal/vfs"
)

func open(t *testing.T, d *Disk, path string) vfs.File {
	t.Helper()
	f, err := d.OpenFile(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func do(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, f vfs.File, s string, off int64) {
	t.Helper()
	if n, err := f.WriteAt([]byte(s), off); n != len(s) || err != nil {
		t.Fatal(n, err)
	}
}

// content returns what is in a file, and "-" for one that is not there.
func content(t *testing.T, d *Disk, path string) string {
	t.Helper()
	b, err := vfs.ReadFile(d, path)
	if errors.Is(err, fs.ErrNotExist) {
		return "-"
	}
	do(t, err)
	return string(b)
}

// one keeps unit i whole and no other.
func one(i int) Keep {
	return func(j int, u Unit) int {
		if i == j {
			return u.Len
		}
		return 0
	}
}

// TestSyncedStays: what was synced, and under a synced name, survives the
// worst crash; nothing else does.
func TestSyncedStays(t *testing.T) {
	d := New()
	do(t, vfs.MakeDir(d, "/a/b"))
	f := open(t, d, "/a/b/file")
	put(t, f, "synced", 0)
	do(t, f.Sync())
	if got := content(t, d.Crash(d.Ops(), None, nil), "/a/b/file"); got != "-" {
		t.Fatalf("before its directory was synced: %q", got)
	}
	do(t, d.SyncDir("/a/b"))
	put(t, f, " not", 6)
	do(t, f.Close())
	worst := d.Crash(d.Ops(), None, nil)
	if got := content(t, worst, "/a/b/file"); got != "synced" {
		t.Fatalf("worst case: %q", got)
	}
	if got := content(t, d.Crash(d.Ops(), All, nil), "/a/b/file"); got != "synced not" {
		t.Fatalf("best case: %q", got)
	}
	if got := content(t, d, "/a/b/file"); got != "synced not" {
		t.Fatalf("the disk itself was changed: %q", got)
	}
	if units := worst.Units(worst.Ops()); len(units) != 0 {
		t.Fatalf("a crash leaves doubts: %v", units)
	}
}

// TestUnits: an unsynced write may arrive by sectors, without the growth, torn,
// and the growth without it.
func TestUnits(t *testing.T) {
	d := New()
	f := open(t, d, "/file")
	put(t, f, strings.Repeat("a", 700), 0)
	do(t, f.Sync(), d.SyncDir("/"))
	put(t, f, strings.Repeat("b", 1000), 600)
	units := d.Units(d.Ops())
	var got []string
	for _, u := range units {
		got = append(got, u.String())
	}
	want := []string{"4 write /file 600+424", "4 write /file 1024+512", "4 write /file 1536+64", "4 growth /file 700+900"}
	if !slices.Equal(got, want) {
		t.Fatalf("units %q, want %q", got, want)
	}
	a, b := strings.Repeat("a", 700), func(n int) string { return strings.Repeat("b", n) }
	for _, tc := range []struct {
		name string
		keep Keep
		want string
	}{
		{"bytes without growth", one(0), a[:600] + b(100)},
		{"bytes behind the end", one(1), a},
		{"growth alone", one(3), a + strings.Repeat("?", 900)},
		{"torn", func(i int, u Unit) int { return u.Len / 2 }, a[:600] + b(212) + strings.Repeat("?", 1024-812) + b(1150-1024)},
		{"a hole", func(i int, u Unit) int {
			if i == 1 {
				return 0
			}
			return u.Len
		}, a[:600] + b(424) + strings.Repeat("?", 512) + b(64)},
	} {
		c := d.Crash(d.Ops(), tc.keep, func(b []byte) { copy(b, bytes.Repeat([]byte("?"), len(b))) })
		if got := content(t, c, "/file"); got != tc.want {
			t.Errorf("%s: %d bytes %.20q…, want %d", tc.name, len(got), got, len(tc.want))
		}
	}
	if got := content(t, d.Crash(d.Ops(), one(3), nil), "/file"); got != a+strings.Repeat("\x00", 900) {
		t.Error("a hole does not read as zeros")
	}
}

// TestNames: names come, change and go apart from each other and from bytes.
func TestNames(t *testing.T) {
	d := New()
	f := open(t, d, "/new.tmp")
	put(t, f, "new", 0)
	do(t, d.Rename("/new.tmp", "/new"))
	old := open(t, d, "/old")
	do(t, old.Sync(), f.Close(), old.Close())
	do(t, d.Remove("/old"))
	units := d.Units(d.Ops())
	if len(units) != 6 { // create, write, growth, rename, create, remove
		t.Fatalf("units %v", units)
	}
	if c := d.Crash(d.Ops(), one(3), nil); content(t, c, "/new") != "" || content(t, c, "/new.tmp") != "-" {
		t.Error("a rename before the bytes is not an empty file")
	}
	if c := d.Crash(d.Ops(), func(i int, u Unit) int { return u.Len * (1 - i/3) }, nil); content(t, c, "/new") != "-" || content(t, c, "/new.tmp") != "new" {
		t.Error("bytes before the rename are not under the old name")
	}
	do(t, d.SyncDir("/"))
	d.Trace()
	do(t, d.Remove("/new"))
	before := d.Ops()
	do(t, d.SyncDir("/"))
	if got := content(t, d.Crash(before, None, nil), "/new"); got != "" {
		t.Errorf("a removal that was not synced: %q", got)
	}
	if got := content(t, d.Crash(d.Ops(), None, nil), "/new"); got != "-" {
		t.Errorf("a removal that was synced: %q", got)
	}
}

// TestFailedSync: what a failing sync was to save is in doubt for good, and
// what a later one saves is not.
func TestFailedSync(t *testing.T) {
	d := New()
	f := open(t, d, "/file")
	do(t, f.Sync(), d.SyncDir("/"))
	put(t, f, "lost", 0)
	d.Inject(func(op Op) Fault {
		if op.Kind == Sync {
			return Fault{Err: syscall.EIO}
		}
		return Fault{}
	})
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	d.Inject(nil)
	put(t, f, "kept", 4)
	do(t, f.Sync())
	if got := content(t, d, "/file"); got != "lostkept" {
		t.Fatalf("visible: %q", got)
	}
	if got := content(t, d.Crash(d.Ops(), None, nil), "/file"); got != "\x00\x00\x00\x00kept" {
		t.Fatalf("after a crash: %q", got)
	}
	put(t, f, "more", 0)
	do(t, f.Sync())
	if got := content(t, d.Crash(d.Ops(), All, nil), "/file"); got != "morekept" {
		t.Fatalf("the order of what is in doubt and what is not: %q", got)
	}
}

// TestFailedSyncAfterTruncate: what was cut off before does not count as the file's size when a sync fails: who writes again what
// that sync was to save, and syncs, has it.
func TestFailedSyncAfterTruncate(t *testing.T) {
	d := New()
	f := open(t, d, "/file")
	do(t, f.Sync(), d.SyncDir("/"))
	fail := func() {
		t.Helper()
		d.Inject(func(op Op) Fault { return Fault{Err: syscall.EIO} })
		if err := f.Sync(); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		d.Inject(nil)
	}
	put(t, f, "a", 0)
	fail()
	put(t, f, "alonger", 0)
	do(t, f.Truncate(1), f.Sync())
	put(t, f, "bc", 1)
	fail()
	put(t, f, "bc", 1)
	do(t, f.Sync())
	if got := content(t, d.Crash(d.Ops(), None, nil), "/file"); got != "abc" {
		t.Errorf("after a crash: %q", got)
	}
}

// TestFullDisk: as much of a write arrives as fits.
func TestFullDisk(t *testing.T) {
	d := New()
	f := open(t, d, "/file")
	put(t, f, "12345678", 0)
	d.Limit(10)
	if _, err := f.WriteAt([]byte("abcd"), 8); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if got := content(t, d, "/file"); got != "12345678ab" {
		t.Fatalf("%q", got)
	}
	if err := f.Allocate(11); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	put(t, f, "abcdefgh", 0) // needs no room
	do(t, f.Truncate(2))
	put(t, f, "12345678", 2)
	d.Limit(0)
	put(t, f, "x", 100)
}

// TestErrors: what the operating system would refuse.
func TestErrors(t *testing.T) {
	d := New()
	do(t, d.Mkdir("/dir"))
	f := open(t, d, "/dir/file")
	r, err := d.OpenFile("/dir/file", os.O_RDONLY)
	do(t, err)
	_, werr := r.WriteAt([]byte("x"), 0)
	_, nerr := d.OpenFile("/nowhere/file", os.O_RDWR|os.O_CREATE)
	_, xerr := d.OpenFile("/dir/file", os.O_RDWR|os.O_CREATE|os.O_EXCL)
	for _, tc := range []struct{ got, want error }{
		{werr, syscall.EBADF}, {nerr, fs.ErrNotExist}, {xerr, fs.ErrExist},
		{d.Mkdir("/dir"), fs.ErrExist}, {d.Remove("/dir"), syscall.ENOTEMPTY}, {d.Remove("/x"), fs.ErrNotExist},
		{d.Rename("/x", "/y"), fs.ErrNotExist}, {d.SyncDir("/x"), fs.ErrNotExist},
	} {
		if !errors.Is(tc.got, tc.want) {
			t.Errorf("%v, want %v", tc.got, tc.want)
		}
	}
	put(t, f, "abc", 0)
	b := make([]byte, 5)
	if n, err := r.ReadAt(b, 1); n != 2 || err != io.EOF {
		t.Errorf("a read over the end: %d, %v", n, err)
	}
	l, err := d.Lock("/")
	do(t, err)
	if _, err := d.Lock("/"); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("a second lock: %v", err)
	}
	do(t, l.Close())
	_, err = d.Lock("/")
	do(t, err)
	d.Kill()
	_, err = d.Lock("/")
	do(t, err)
}
