package snapshot

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"dsss/internal/memfs"
)

// checkpoints writes one for each sequence number.
func checkpoints(t testing.TB, s Store, seqs ...uint64) {
	t.Helper()
	for _, seq := range seqs {
		m := testMeta
		m.Seq = seq
		w, err := s.Create(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.BeginObject(Object{ID: 1}), w.Chunk([]byte("state"))); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

// damage flips a bit in the middle of a checkpoint and returns what was there.
func damage(t testing.TB, s Store, seq uint64) (repair func()) {
	t.Helper()
	f, err := s.fs().OpenFile(pathOf(s.Dir, seq), os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	flip := func() {
		b := make([]byte, 1)
		if _, err := f.ReadAt(b, 3*pageSize/2); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 4
		if _, err := f.WriteAt(b, 3*pageSize/2); err != nil {
			t.Fatal(err)
		}
	}
	flip()
	return flip
}

func listed(t testing.TB, s Store) (seqs, refused []uint64) {
	t.Helper()
	infos, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		seqs = append(seqs, info.Seq)
		if info.Refused != "" {
			refused = append(refused, info.Seq)
		}
	}
	return seqs, refused
}

// newest returns the sequence number that Newest opens, 0 for none, and those
// it reports.
func newest(t testing.TB, s Store) (seq uint64, reported []string) {
	t.Helper()
	r, err := s.Newest(func(path string, err error) { reported = append(reported, err.Error()) })
	if errors.Is(err, ErrNone) {
		return 0, reported
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return r.Meta().Seq, reported
}

// TestRefusedIsRemembered: a checkpoint that was refused once is not tried
// again, whatever becomes of the process or even of the file, until it is
// written again.
func TestRefusedIsRemembered(t *testing.T) {
	disk := memfs.New()
	s := Store{Dir: "/checkpoints", FS: disk}
	checkpoints(t, s, 10, 20, 30)
	repair := damage(t, s, 30)
	if seq, reported := newest(t, s); seq != 20 || len(reported) != 1 || !strings.Contains(reported[0], pathOf(s.Dir, 30)) {
		t.Fatalf("opened %d, reported %q", seq, reported)
	}
	repair()
	s.FS = disk.Crash(disk.Ops(), memfs.None, nil) // the mark is on the disk
	if seq, reported := newest(t, s); seq != 20 || len(reported) != 0 {
		t.Fatalf("after a restart: opened %d, reported %q", seq, reported)
	}
	if seqs, refused := listed(t, s); !slices.Equal(seqs, []uint64{30, 20, 10}) || !slices.Equal(refused, []uint64{30}) {
		t.Fatalf("List: %v, refused %v", seqs, refused)
	}
	checkpoints(t, s, 30)
	if seq, reported := newest(t, s); seq != 30 || len(reported) != 0 {
		t.Fatalf("written anew: opened %d, reported %q", seq, reported)
	}
}

// TestUnreadableIsTriedAgain: an I/O error says nothing about the file.
func TestUnreadableIsTriedAgain(t *testing.T) {
	disk := memfs.New()
	s := Store{Dir: "/checkpoints", FS: disk}
	checkpoints(t, s, 10, 20)
	disk.Inject(func(op memfs.Op) memfs.Fault {
		if op.Kind == memfs.Read && op.Path == pathOf(s.Dir, 20) && op.Off == 0 {
			return memfs.Fault{Err: unix.EIO}
		}
		return memfs.Fault{}
	})
	if seq, reported := newest(t, s); seq != 10 || len(reported) != 1 || !strings.Contains(reported[0], "input/output error") {
		t.Fatalf("opened %d, reported %q", seq, reported)
	}
	disk.Inject(nil)
	if seq, reported := newest(t, s); seq != 20 || len(reported) != 0 {
		t.Fatalf("opened %d, reported %q", seq, reported)
	}
}

// TestMarkFails: when the mark cannot be written, the report says so, and the
// older checkpoint is used all the same.
func TestMarkFails(t *testing.T) {
	disk := memfs.New()
	s := Store{Dir: "/checkpoints", FS: disk}
	checkpoints(t, s, 10, 20)
	damage(t, s, 20)
	disk.Inject(func(op memfs.Op) memfs.Fault {
		if op.Kind == memfs.Write {
			return memfs.Fault{Err: unix.ENOSPC}
		}
		return memfs.Fault{}
	})
	if seq, reported := newest(t, s); seq != 10 || len(reported) != 1 || !strings.Contains(reported[0], "no space left") {
		t.Fatalf("opened %d, reported %q", seq, reported)
	}
}

// TestRetainCountsSoundOnes: refused checkpoints take no place, and go with
// their marks when they are older than those that are kept.
func TestRetainCountsSoundOnes(t *testing.T) {
	for _, tc := range []struct {
		refuse, keep []uint64
		k            int
		marks        []uint64 // what is left of refuse
	}{
		{nil, []uint64{50, 40}, 2, nil},
		{[]uint64{50}, []uint64{50, 40, 30}, 2, []uint64{50}},
		{[]uint64{40, 20}, []uint64{50, 40, 30}, 2, []uint64{40}},
		{[]uint64{10, 30, 99}, []uint64{50}, 1, nil},
		{[]uint64{10, 20, 30, 40}, []uint64{50, 40, 30, 20, 10}, 2, []uint64{40, 30, 20, 10}},
	} {
		disk := memfs.New()
		s := Store{Dir: "/checkpoints", FS: disk}
		checkpoints(t, s, 10, 20, 30, 40, 50)
		for _, seq := range tc.refuse {
			if err := s.Refuse(seq, "a\nreason"); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Retain(tc.k); err != nil {
			t.Fatal(err)
		}
		s.FS = disk.Crash(disk.Ops(), memfs.None, nil)
		seqs, refused := listed(t, s)
		if !slices.Equal(seqs, tc.keep) || !slices.Equal(refused, tc.marks) {
			t.Errorf("refused %v, retained %d: %v with %v refused, want %v with %v", tc.refuse, tc.k, seqs, refused, tc.keep, tc.marks)
		}
		ns, err := s.FS.ReadDir(s.Dir)
		if err != nil || len(ns) != len(tc.keep)+len(tc.marks) {
			t.Errorf("refused %v: the directory holds %v", tc.refuse, ns)
		}
	}
}
