package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dsss/internal/limits"
)

var testMeta = Meta{
	Seq: 17, Epoch: 3, Run: 2, Job: "capitals",
	Time:     time.Date(2026, 5, 4, 3, 2, 1, 123456789, time.UTC),
	Sessions: map[uint64]uint64{1: 10, 7: 0, 1 << 60: 99},
}

// state is what a test puts into a checkpoint: an object and its chunks.
type state struct {
	Object
	chunks [][]byte
}

var testStates = []state{
	{Object{1, "best", "tsp.Tour", 0xfeed, "table Tour {}", false}, [][]byte{[]byte("one"), {}, []byte("three")}},
	{Object{4, "empty", "tsp.Pool", 0xbeef, "", true}, nil},
	{Object{9, "pool", "tsp.Pool", 0xbeef, "", false}, [][]byte{bytes.Repeat([]byte("subproblem "), 3000)}},
}

func writeCheckpoint(t testing.TB, dir string, m Meta, states []state) Info {
	t.Helper()
	w, err := Store{Dir: dir}.Create(m)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for _, s := range states {
		if err := w.BeginObject(s.Object); err != nil {
			t.Fatal(err)
		}
		for _, c := range s.chunks {
			b := slices.Clone(c)
			if err := w.Chunk(b); err != nil {
				t.Fatal(err)
			}
			clear(b) // it is ours again
		}
	}
	info, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func wantCheckpoint(t testing.TB, r *Reader, m Meta, states []state) {
	t.Helper()
	got := r.Meta()
	if got.Seq != m.Seq || got.Epoch != m.Epoch || got.Run != m.Run || got.Job != m.Job ||
		!got.Time.Equal(m.Time) || !maps.Equal(got.Sessions, m.Sessions) {
		t.Fatalf("Meta %+v, want %+v", got, m)
	}
	states = slices.Clone(states)
	slices.SortFunc(states, func(a, b state) int { return int(a.ID) - int(b.ID) })
	objects := make([]Object, len(states))
	for i, s := range states {
		objects[i] = s.Object
		var chunks [][]byte
		for c, err := range r.Chunks(s.ID) {
			if err != nil {
				t.Fatal(err)
			}
			chunks = append(chunks, c)
		}
		if !slices.EqualFunc(chunks, s.chunks, bytes.Equal) {
			t.Fatalf("object %d has %d chunks, want %d, or others", s.ID, len(chunks), len(s.chunks))
		}
	}
	if !slices.Equal(r.Objects(), objects) {
		t.Fatalf("Objects %v, want %v", r.Objects(), objects)
	}
}

// names lists what is in a directory.
func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var ns []string
	for _, e := range entries {
		ns = append(ns, e.Name())
	}
	return ns
}

func TestCheckpointKeepsWhatWasWritten(t *testing.T) {
	many := make([]state, 3000)
	for i := range many {
		many[i] = state{Object{uint32(i), fmt.Sprint("object ", i), "Class", uint64(i), "", false}, [][]byte{fmt.Append(nil, i)}}
	}
	large := state{Object{0, "large", "Class", 1, "", false}, nil}
	for i := range 20 { // several transactions, pages with overflow
		large.chunks = append(large.chunks, bytes.Repeat([]byte{byte(i)}, 1<<20+i))
	}
	for _, tc := range []struct {
		name   string
		meta   Meta
		states []state
	}{
		{"ordinary", testMeta, testStates},
		{"nothing", Meta{Seq: 0, Time: testMeta.Time}, nil},
		{"many objects", testMeta, many},
		{"large object", testMeta, []state{large}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "checkpoints")
			info := writeCheckpoint(t, dir, tc.meta, tc.states)
			st, err := os.Stat(info.Path)
			if err != nil {
				t.Fatal(err)
			}
			want := Info{Path: pathOf(dir, tc.meta.Seq), Seq: tc.meta.Seq, Bytes: st.Size(), Time: tc.meta.Time,
				Run: tc.meta.Run, Epoch: tc.meta.Epoch, Objects: len(tc.states), Sum: info.Sum}
			if info != want {
				t.Fatalf("Commit: %+v, want %+v", info, want)
			}
			if infos, err := (Store{Dir: dir}).List(); err != nil || !slices.Equal(infos, []Info{want}) {
				t.Fatalf("List: %+v, %v", infos, err)
			}
			if ns := names(t, dir); len(ns) != 1 {
				t.Fatalf("the directory holds %v", ns)
			}
			r, err := Open(info.Path)
			if err != nil {
				t.Fatal(err)
			}
			wantCheckpoint(t, r, tc.meta, tc.states)
			for _, err := range r.Chunks(1 << 31) {
				if err == nil {
					t.Error("a chunk of an object that is not there")
				}
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Fatalf("second Close: %v", err)
			}
		})
	}
}

// TestCheckpointSize: pages are filled, and what bbolt freed on the way is not kept.
func TestCheckpointSize(t *testing.T) {
	s := state{Object{1, "o", "C", 1, "", false}, nil}
	total := int64(0)
	for range 400 {
		s.chunks = append(s.chunks, make([]byte, 100<<10))
		total += 100 << 10
	}
	info := writeCheckpoint(t, t.TempDir(), testMeta, []state{s})
	if info.Bytes > total+total/20 {
		t.Fatalf("file has %d bytes for %d bytes of chunks", info.Bytes, total)
	}
}

func TestWriterRefuses(t *testing.T) {
	long := strings.Repeat("x", limits.Name+1)
	if _, err := (Store{Dir: t.TempDir()}).Create(Meta{Job: long}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a long job name: %v", err)
	}
	for _, tc := range []struct {
		name string
		do   func(w *Writer) error
		want error
	}{
		{"a chunk of no object", func(w *Writer) error { return w.Chunk(nil) }, nil},
		{"a large chunk", func(w *Writer) error {
			return errors.Join(w.BeginObject(Object{ID: 1}), w.Chunk(make([]byte, limits.Chunk+1)))
		}, ErrTooLarge},
		{"an id twice", func(w *Writer) error {
			if err := w.BeginObject(Object{ID: 1}); err != nil {
				t.Error(err)
			}
			return w.BeginObject(Object{ID: 1})
		}, nil},
		{"an id that descends", func(w *Writer) error {
			if err := w.BeginObject(Object{ID: 2}); err != nil {
				t.Error(err)
			}
			return w.BeginObject(Object{ID: 1})
		}, nil},
		{"a long name", func(w *Writer) error { return w.BeginObject(Object{Name: long}) }, ErrTooLarge},
		{"a long schema", func(w *Writer) error { return w.BeginObject(Object{Schema: strings.Repeat("x", limits.Schema+1)}) }, ErrTooLarge},
		{"a long class", func(w *Writer) error { return w.BeginObject(Object{Class: long}) }, ErrTooLarge},
		{"a chunk after Abort", func(w *Writer) error { w.Abort(); return w.Chunk(nil) }, ErrClosed},
	} {
		dir := t.TempDir()
		w, err := Store{Dir: dir}.Create(testMeta)
		if err != nil {
			t.Fatal(err)
		}
		first := tc.do(w)
		if first == nil || tc.want != nil && !errors.Is(first, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, first, tc.want)
		}
		if _, err := w.Commit(); err == nil {
			t.Errorf("%s: Commit went on", tc.name)
		}
		w.Abort()
		w.Abort()
		if ns := names(t, dir); len(ns) != 0 {
			t.Errorf("%s: left %v", tc.name, ns)
		}
	}
}

// TestCreateCleansUp: a crash leaves temporaries; they are not listed, and the
// next Create removes them.
func TestCreateCleansUp(t *testing.T) {
	dir := t.TempDir()
	if _, err := (Store{Dir: dir}).Create(testMeta); err != nil { // and die
		t.Fatal(err)
	}
	if infos, err := (Store{Dir: dir}).List(); err != nil || len(infos) != 0 {
		t.Fatalf("List: %v, %v", infos, err)
	}
	if _, err := (Store{Dir: dir}).Newest(nil); !errors.Is(err, ErrNone) {
		t.Fatalf("Newest: %v", err)
	}
	m := testMeta
	m.Seq++
	info := writeCheckpoint(t, dir, m, testStates)
	if ns := names(t, dir); !slices.Equal(ns, []string{filepath.Base(info.Path)}) {
		t.Fatalf("the directory holds %v", ns)
	}
	// The same sequence number again, as at the end of a job.
	writeCheckpoint(t, dir, m, testStates[:1])
	r, err := Store{Dir: dir}.Newest(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	wantCheckpoint(t, r, m, testStates[:1])
}

func TestNewestFallsBack(t *testing.T) {
	dir := t.TempDir()
	if _, err := (Store{Dir: filepath.Join(dir, "missing")}).Newest(nil); !errors.Is(err, ErrNone) {
		t.Fatalf("Newest of a missing directory: %v", err)
	}
	var infos []Info
	for seq := range uint64(4) {
		m := testMeta
		m.Seq = seq
		infos = append(infos, writeCheckpoint(t, dir, m, testStates))
	}
	if err := os.Truncate(infos[3].Path, infos[3].Bytes/2); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(infos[1].Path, infos[2].Path); err != nil { // a sound file of another name
		t.Fatal(err)
	}
	var refused []string
	report := func(path string, err error) {
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s refused: %v", path, err)
		}
		refused = append(refused, path)
	}
	for range 2 { // the second time nothing is reported again
		r, err := Store{Dir: dir}.Newest(report)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if r.Meta().Seq != 0 || !slices.Equal(refused, []string{infos[3].Path, infos[2].Path}) {
			t.Fatalf("opened %d, refused %v", r.Meta().Seq, refused)
		}
	}
	list, err := Store{Dir: dir}.List()
	if err != nil || len(list) != 3 || list[0].Objects != -1 || list[2].Seq != 0 {
		t.Fatalf("List: %+v, %v", list, err)
	}
	if err := os.Remove(infos[0].Path); err != nil {
		t.Fatal(err)
	}
	if _, err := (Store{Dir: dir}).Newest(nil); !errors.Is(err, ErrNone) {
		t.Fatalf("Newest of damaged ones: %v", err)
	}
}

func TestRetain(t *testing.T) {
	dir := t.TempDir()
	for seq := range uint64(5) {
		m := testMeta
		m.Seq = seq
		writeCheckpoint(t, dir, m, nil)
	}
	r, err := Open(pathOf(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := (Store{Dir: dir}).Retain(0); err == nil {
		t.Error("Retain(0) was accepted")
	}
	for range 2 {
		if err := (Store{Dir: dir}).Retain(2); err != nil {
			t.Fatal(err)
		}
		list, err := Store{Dir: dir}.List()
		if err != nil || len(list) != 2 || list[0].Seq != 4 || list[1].Seq != 3 {
			t.Fatalf("List: %+v, %v", list, err)
		}
	}
	m := testMeta
	m.Seq = 1
	wantCheckpoint(t, r, m, nil) // deleted, and still readable by who has it open
}

func TestOpenFileNeedsItsName(t *testing.T) {
	dir := t.TempDir()
	info := writeCheckpoint(t, dir, testMeta, nil)
	other := filepath.Join(dir, "copy.db")
	if err := os.Rename(info.Path, other); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(other); err == nil {
		t.Error("a file of another name was opened")
	}
	if _, err := Open(info.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// TestSchemaIsCurrent compares the committed fb package with what flatc makes
// of the schema now.
func TestSchemaIsCurrent(t *testing.T) {
	flatc, err := exec.LookPath("flatc")
	if err != nil {
		t.Skip("NOT CHECKED: flatc is not installed (Debian: flatbuffers-compiler), so the generated code may differ from checkpoint.fbs")
	}
	dir := t.TempDir()
	if out, err := exec.Command(flatc, "--go", "-o", dir, "checkpoint.fbs").CombinedOutput(); err != nil {
		t.Fatalf("flatc: %v\n%s", err, out)
	}
	for _, name := range names(t, filepath.Join(dir, "fb")) {
		want, err := os.ReadFile(filepath.Join(dir, "fb", name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("fb", name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("fb/%s differs from its schema (%v): run go generate", name, err)
		}
	}
}
