package statedir

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"dsss/internal/memfs"
	"dsss/internal/vfs"
)

// outcome is one way in which a crash may leave what was not synced.
type outcome struct {
	name    string
	keep    memfs.Keep
	garbage bool
}

// outcomes lists those that are tried for the units of one moment: nothing,
// everything, each prefix, each unit alone and each unit missing; files that grew
// without their bytes; bytes without names and names without bytes; the last
// write torn; and some subsets at random.
func outcomes(units []memfs.Unit, rng *rand.Rand) []outcome {
	whole := func(yes func(i int, u memfs.Unit) bool) memfs.Keep {
		return func(i int, u memfs.Unit) int {
			if yes(i, u) {
				return u.Len
			}
			return 0
		}
	}
	name := func(u memfs.Unit) bool { return u.Kind != memfs.Write && u.Kind != memfs.Truncate }
	all := []outcome{{"nothing", memfs.None, false}}
	if len(units) == 0 {
		return all
	}
	all = append(all,
		outcome{"everything", memfs.All, false},
		outcome{"growth without bytes", whole(func(_ int, u memfs.Unit) bool { return u.Kind != memfs.Write || u.Size }), false},
		outcome{"growth over garbage", whole(func(_ int, u memfs.Unit) bool { return u.Kind != memfs.Write || u.Size }), true},
		outcome{"names without bytes", whole(func(_ int, u memfs.Unit) bool { return name(u) }), false},
		outcome{"bytes without names", whole(func(_ int, u memfs.Unit) bool { return !name(u) }), false},
	)
	stride := 1 + len(units)/12 // some of them, where there are many
	for i := rng.IntN(stride); i < len(units); i += stride {
		all = append(all,
			outcome{fmt.Sprint("the first ", i), whole(func(j int, _ memfs.Unit) bool { return j < i }), false},
			outcome{fmt.Sprint("only unit ", i), whole(func(j int, _ memfs.Unit) bool { return j == i }), false},
			outcome{fmt.Sprint("all but unit ", i), whole(func(j int, _ memfs.Unit) bool { return j != i }), i%2 == 1})
	}
	last := units[len(units)-1]
	if last.Kind == memfs.Write {
		for _, cut := range []int{1, 7, 8, 31, 32, 33, last.Len / 2, last.Len - 1} {
			all = append(all, outcome{fmt.Sprint("the last write torn at ", cut), func(i int, u memfs.Unit) int {
				if u.N != last.N {
					return u.Len
				}
				return int(last.Off) + cut - int(u.Off) // bounded by the disk
			}, false})
		}
	}
	for k := range 6 {
		seed := rng.Uint64()
		all = append(all, outcome{fmt.Sprint("random subset ", seed), whole(func(i int, _ memfs.Unit) bool {
			return rand.New(rand.NewPCG(seed, uint64(i))).IntN(2) == 0
		}), k == 0})
	}
	return all
}

// powerfail runs one world and crashes it after each of its operations, in each
// way that outcomes lists. It returns what it tried and the first failure.
type powerfail struct {
	crashes, recoveries, refused int
}

func (p *powerfail) run(seed uint64, steps, deepEvery int, mutate func(vfs.FS) vfs.FS) error {
	w := newWorld(seed, mutate)
	if err := w.run(steps); err != nil {
		return fmt.Errorf("seed %d: the job itself: %w", seed, err)
	}
	rng := rand.New(rand.NewPCG(seed, 2))
	for n := range w.disk.Ops() + 1 {
		units := w.disk.Units(n)
		for _, o := range outcomes(units, rng) {
			var hole memfs.Hole
			if o.garbage {
				hole = func(b []byte) { randReader{rng}.Read(b) }
			}
			p.crashes++
			deep := p.crashes%deepEvery == 0
			if deep {
				p.recoveries++
			}
			refused, err := w.check(n, w.disk.Crash(n, o.keep, hole), mutate, o.garbage, deep)
			if err != nil {
				return fmt.Errorf("seed %d, crash after %d operations, left is %s of %v: %w", seed, n, o.name, units, err)
			}
			if refused {
				p.refused++
			}
		}
	}
	return nil
}

// number reads a number from the environment.
func number(t *testing.T, name string) (n uint64, set bool) {
	s := os.Getenv(name)
	if s == "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s is %q: want a number", name, s)
	}
	return n, true
}

// TestPowerfail crashes random jobs after each of their disk operations, in
// every way that outcomes knows: what was acknowledged is there, once, in order;
// nothing else is; what is cut off is reported; recovery can itself be crashed.
// DSSS_POWERFAIL is how many jobs, longer ones, for the long form;
// DSSS_POWERFAIL_SEED tries one of those again.
func TestPowerfail(t *testing.T) {
	from, to, steps, deepEvery := uint64(0), uint64(2), 12, 100
	if n, long := number(t, "DSSS_POWERFAIL"); long {
		to, steps, deepEvery = n, 80, 25
	}
	if n, one := number(t, "DSSS_POWERFAIL_SEED"); one {
		from, to, steps, deepEvery = n, n+1, 80, 25
	}
	var p powerfail
	for seed := from; seed < to; seed++ {
		if err := p.run(seed, steps, deepEvery, nil); err != nil {
			t.Fatalf("%v; try it again with DSSS_POWERFAIL_SEED=%d", err, seed)
		}
	}
	t.Logf("%d jobs, %d crashes, of which %d in each operation of the recovery as well; nothing lost. Logs with garbage in a hole, refused by name and offset: %d",
		to-from, p.crashes, p.recoveries, p.refused)
}

// TestPowerfailCatchesMutants: storage that breaks one rule fails the test.
func TestPowerfailCatchesMutants(t *testing.T) {
	for _, tc := range []struct {
		name string
		make func(vfs.FS) vfs.FS
	}{
		{"torn tail kept", func(fs vfs.FS) vfs.FS { return &mutant{FS: fs, keepTail: true} }},
		{"no sync before the acknowledgement", func(fs vfs.FS) vfs.FS { return &mutant{FS: fs, noSync: true} }},
		{"no sync of a file in the making", func(fs vfs.FS) vfs.FS { return &mutant{FS: fs, noFirst: true} }},
		{"no sync of the directory", func(fs vfs.FS) vfs.FS { return &mutant{FS: fs, noSyncDir: true} }},
		{"rename before sync", func(fs vfs.FS) vfs.FS { return &mutant{FS: fs, late: make(map[string]bool)} }},
		{"failing sync forgiven", func(fs vfs.FS) vfs.FS { return &mutant{FS: fs, forgive: true} }},
		{"a bound recorded before its log is on disk", func(fs vfs.FS) vfs.FS { return &mutant{FS: fs, early: true} }},
		{"doubtful tail not written again", func(fs vfs.FS) vfs.FS { return &mutant{FS: fs, noRewrite: true} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var p powerfail
			for seed := range uint64(20) {
				if err := p.run(seed, 60, 1<<30, tc.make); err != nil {
					message, _, _ := strings.Cut(err.Error(), " of [")
					t.Logf("caught after %d crashes: %s … %s", p.crashes, message, err.Error()[strings.LastIndex(err.Error(), "]")+1:])
					return
				}
			}
			t.Fatalf("%d crashes did not show it", p.crashes)
		})
	}
}

// mutant is a file system whose users break one rule.
type mutant struct {
	vfs.FS
	keepTail  bool            // truncating does nothing
	noSync    bool            // segments are not synced once they have their name
	noFirst   bool            // files are not synced before they have their name
	late      map[string]bool // they are, but after their renaming
	noSyncDir bool            // directories are not synced
	forgive   bool            // a failing sync is taken for a good one
	noRewrite bool            // nothing is written to segments while the log is opened
	early     bool            // the job record says that the log is on disk before it is
	recovers  bool
}

func (m *mutant) recovering(yes bool) { m.recovers = yes }

func (m *mutant) OpenFile(path string, flag int) (vfs.File, error) {
	f, err := m.FS.OpenFile(path, flag)
	if err != nil {
		return nil, err
	}
	return &mutantFile{File: f, m: m, path: path, making: filepath.Ext(path) == vfs.TmpSuffix}, nil
}

func (m *mutant) SyncDir(path string) error {
	if m.noSyncDir {
		return nil
	}
	return m.FS.SyncDir(path)
}

func (m *mutant) Rename(from, to string) error {
	if err := m.FS.Rename(from, to); err != nil || !m.late[from] {
		return err
	}
	delete(m.late, from)
	f, err := m.FS.OpenFile(to, os.O_RDWR)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

type mutantFile struct {
	vfs.File
	m      *mutant
	path   string
	making bool // it has not been synced under its first name
}

func (f *mutantFile) Truncate(size int64) error {
	if f.m.keepTail {
		return nil
	}
	return f.File.Truncate(size)
}

func (f *mutantFile) WriteAt(b []byte, off int64) (int, error) {
	if f.m.noRewrite && f.m.recovers && filepath.Ext(f.path) == ".seg" {
		return len(b), nil
	}
	return f.File.WriteAt(b, off)
}

func (f *mutantFile) Sync() error {
	making := f.making
	f.making = false
	switch {
	case making && f.m.late != nil:
		f.m.late[f.path] = true
		return nil
	case making && f.m.noFirst, !making && f.m.noSync && strings.Contains(f.path, ".seg"):
		return nil
	}
	err := f.File.Sync()
	if f.m.forgive {
		return nil
	}
	return err
}
