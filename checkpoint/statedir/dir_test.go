package statedir

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"dsss/internal/limits"
	"dsss/internal/vfs"
)

// TestMain also is the other process of TestTwoProcesses: it opens the
// directory it is given, says so, and holds it until its input ends.
func TestMain(m *testing.M) {
	dir := os.Getenv("DSSS_TEST_HOLD")
	if dir == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("DSSS_TEST_NETWORK") != "" {
		defaultFS = nfs{vfs.OS}
	}
	d, err := Open(dir, Config{Job: "holder"})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("held")
	io.Copy(io.Discard, os.Stdin)
	if err := d.Close(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// nfs makes everything below the temporary directory a network file system:
// nothing there can be locked.
type nfs struct{ vfs.FS }

func (nfs) below(path string) bool {
	return strings.HasPrefix(path, os.TempDir()) && path != os.TempDir()
}

func (n nfs) Remote(path string) (bool, error) { return n.below(path), nil }

func (n nfs) Lock(path string) (io.Closer, error) {
	if n.below(path) {
		return nil, fmt.Errorf("%s was locked, on a network file system", path)
	}
	return n.FS.Lock(path)
}

func (n nfs) OpenFile(path string, flag int) (vfs.File, error) {
	f, err := n.FS.OpenFile(path, flag)
	if err == nil && n.below(path) {
		f = struct{ vfs.File }{f} // no vfs.Host
	}
	return f, err
}

// onNFS makes everything below the temporary directory a network file system.
func onNFS(t *testing.T) {
	t.Helper()
	was := defaultFS
	defaultFS = nfs{vfs.OS}
	t.Cleanup(func() { defaultFS = was })
}

// bothKinds runs a test on a local and on a network file system.
func bothKinds(t *testing.T, test func(t *testing.T)) {
	t.Run("local", test)
	t.Run("network", func(t *testing.T) {
		onNFS(t)
		test(t)
	})
}

// segment1 is the name of a log's first segment.
const segment1 = "00000000000000000001.seg"

func openDir(t testing.TB, path, job string) *Dir {
	t.Helper()
	d, err := Open(path, Config{Job: job})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestJobRecord(t *testing.T) {
	bothKinds(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a", "b")
		if _, ok, err := Peek(path); ok || err != nil {
			t.Fatalf("Peek of a missing directory: %v, %v", ok, err)
		}
		d := openDir(t, path, "capitals")
		if _, ok := d.Job(); ok {
			t.Fatal("a new directory has a job")
		}
		if _, ok, err := Peek(path); ok || err != nil {
			t.Fatalf("Peek of a new directory: %v, %v", ok, err)
		}
		j := Job{
			Name: "capitals", Program: "bin/tsp", Status: Running, Durability: "sync", Epoch: 3, Run: 2,
			Classes: []Class{{"tsp.Pool", 0xfedcba9876543210, []uint64{1, 1<<63 + 1}}, {"tsp.Tour", 1, nil}},
			Omitted: []uint64{5, 1<<63 + 1},
		}
		if err := d.PutJob(j); err != nil {
			t.Fatal(err)
		}
		got, ok := d.Job()
		if !ok || got.Created.IsZero() || got.Updated.IsZero() || got.Format != Format {
			t.Fatalf("Job: %+v, %v", got, ok)
		}
		j.Format, j.Created, j.Updated = got.Format, got.Created, got.Updated
		if !reflect.DeepEqual(got, j) {
			t.Fatalf("Job: %+v, want %+v", got, j)
		}
		if peeked, ok, err := Peek(path); !ok || err != nil || !reflect.DeepEqual(peeked, got) {
			t.Fatalf("Peek: %+v, %v, %v", peeked, ok, err)
		}
		got.Status = Finished
		if err := d.PutJob(got); err != nil {
			t.Fatal(err)
		}
		for _, bad := range []Job{{Status: Running}, {Name: "x", Status: "resting"}, {Name: strings.Repeat("x", limits.Name+1), Status: Failed}} {
			if err := d.PutJob(bad); err == nil {
				t.Errorf("PutJob took %.60v", bad)
			}
		}
		for range 2 {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.PutJob(got); !errors.Is(err, ErrClosed) {
			t.Errorf("PutJob after Close: %v", err)
		}
		d = openDir(t, path, "")
		if again, ok := d.Job(); !ok || again.Status != Finished || !again.Created.Equal(got.Created) {
			t.Fatalf("reopened: %+v, %v", again, ok)
		}
	})
}

func TestDamagedJobRecord(t *testing.T) {
	path := t.TempDir()
	if err := os.Mkdir(filepath.Join(path, logDir), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ record, want string }{
		{`{"format":7,"name":"x","sta`, "damaged"},
		{``, "damaged"},
		{`{"format":1,"name":7}`, "format 1"},
		{`{"format":99,"name":"x","status":"running"}`, "format 99"},
		{`{"format":7,"name":"","status":"running"}`, "Job.Name"},
		{`{"format":7,"name":"x","status":"running","classes":[{"name":"C","fingerprint":"xyz"}]}`, "hexadecimal"},
		{`{"format":7,"name":"x","status":"running","classes":[{"name":"C","fingerprint":"1","known":["xyz"]}]}`, "hexadecimal"},
	} {
		writeBytes(t, filepath.Join(path, logDir, segment1), nil)
		writeBytes(t, filepath.Join(path, jobFile), []byte(tc.record))
		for range 2 { // the second time shows that the first released the directory
			if _, err := Open(path, Config{}); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %v", tc.record, err)
			}
		}
	}
}

func TestForeignDirectory(t *testing.T) {
	bothKinds(t, func(t *testing.T) {
		path := t.TempDir()
		writeBytes(t, filepath.Join(path, "thesis.tex"), []byte("precious"))
		writeBytes(t, filepath.Join(path, jobFile), []byte("another program's"))
		if _, err := Open(path, Config{}); !errors.Is(err, ErrNotStateDir) || !strings.Contains(err.Error(), jobFile) {
			t.Errorf("Open: %v", err)
		}
		if _, _, err := Peek(path); !errors.Is(err, ErrNotStateDir) {
			t.Errorf("Peek: %v", err)
		}
		if ns := names(t, path); len(ns) != 2 {
			t.Errorf("the directory holds %v", ns)
		}
		if _, err := Open(filepath.Join(path, "thesis.tex"), Config{}); err == nil {
			t.Error("a file was opened as a directory")
		}
	})
}

func TestDirInUse(t *testing.T) {
	bothKinds(t, func(t *testing.T) {
		path := t.TempDir()
		d := openDir(t, path, "capitals")
		_, err := Open(path, Config{Job: "second"})
		var in *InUseError
		if !errors.Is(err, ErrInUse) || !errors.As(err, &in) {
			t.Fatalf("second Open: %v", err)
		}
		host, _ := os.Hostname()
		if in.Path != path || in.Host != host || in.PID != os.Getpid() || in.Job != "capitals" || in.Started.IsZero() {
			t.Fatalf("%+v", in)
		}
		if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), `"capitals"`) {
			t.Fatalf("message: %s", err)
		}
		for range 3 { // and so on, generation after generation
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d = openDir(t, path, "next")
		}
		d.Close()
		want := 3 // log, checkpoints, and the released owner file on a network file system
		if onNet, _ := defaultFS.Remote(path); !onNet {
			want = 2
		}
		if ns := names(t, path); len(ns) != want {
			t.Fatalf("the directory holds %v", ns)
		}
	})
}

// TestAbandon: a job that was refused leaves nothing of its own behind, and
// takes nothing away.
func TestAbandon(t *testing.T) {
	base := t.TempDir()
	gone := func(path string) bool {
		_, err := os.Stat(path)
		return errors.Is(err, os.ErrNotExist)
	}
	abandon := func(d *Dir) {
		t.Helper()
		for range 2 {
			if err := d.Abandon(); err != nil {
				t.Fatal(err)
			}
		}
	}
	fresh := filepath.Join(base, "fresh")
	abandon(openDir(t, fresh, ""))
	if !gone(fresh) {
		t.Errorf("the directory is still there and holds %v", names(t, fresh))
	}
	empty := filepath.Join(base, "empty")
	if err := os.Mkdir(empty, 0o777); err != nil {
		t.Fatal(err)
	}
	abandon(openDir(t, empty, ""))
	if gone(empty) || len(names(t, empty)) != 0 {
		t.Error("a directory that was there before is not as it was")
	}
	used := filepath.Join(base, "used")
	d := openDir(t, used, "")
	writeBytes(t, filepath.Join(d.LogDir(), segment1), nil)
	abandon(d)
	d = openDir(t, used, "")
	if err := d.PutJob(Job{Name: "x", Status: Running}); err != nil {
		t.Fatal(err)
	}
	abandon(d)
	if _, ok, err := Peek(used); !ok || err != nil {
		t.Errorf("a directory with a job: %v, %v", ok, err)
	}
	mixed := filepath.Join(base, "mixed")
	d = openDir(t, mixed, "")
	writeBytes(t, filepath.Join(mixed, "output"), nil)
	abandon(d)
	if _, err := Open(mixed, Config{}); !errors.Is(err, ErrNotStateDir) {
		t.Errorf("a directory with somebody's output in it: %v", err)
	}
	onNFS(t)
	network := filepath.Join(base, "network")
	abandon(openDir(t, network, ""))
	openDir(t, network, "")
}

// TestAbandonRace: however owners come, abandon and go, there is one at a time.
func TestAbandonRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "job")
	var owners atomic.Int32
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				d, err := Open(path, Config{})
				if err != nil {
					continue // in use, or removed while it was being opened
				}
				if owners.Add(1) > 1 {
					t.Error("two owners")
				}
				owners.Add(-1)
				if err := d.Abandon(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestKnownByAnyPart: cleaners, copies and backups leave some parts of a state directory out. What is left shows that it is
// one; directories of others that have the same names are not taken for one.
func TestKnownByAnyPart(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string // by path, what they hold; directories end in a slash
		want  error
	}{
		"nothing":                        {nil, nil},
		"our empty directories":          {map[string]string{"log/": "", "checkpoints/": ""}, nil},
		"what a crash at the start left": {map[string]string{"log/": "", "checkpoints/": "", "owner": `{"pid":1}`, "log/00000000000000000001.seg": ""}, nil},
		"a log alone":                    {map[string]string{"log/": "", "log/00000000000000000001.seg": strings.Repeat("x", 100)}, ErrIncomplete},
		"a log of another version":       {map[string]string{"log/": "", "log/00000000000000000001.seg": strings.Repeat("x", 100)}, ErrIncomplete},
		"a checkpoint alone":             {map[string]string{"checkpoints/": "", "checkpoints/00000000000000000017.db": "x"}, ErrIncomplete},
		"a record alone":                 {map[string]string{"job.json": `{"format":7,"name":"x","status":"running"}`}, nil},
		"training runs of others":        {map[string]string{"log/": "", "checkpoints/": "", "log/events.1": "x", "checkpoints/model.pt": "x"}, ErrNotStateDir},
		"a generator's package":          {map[string]string{"dsss.lock": "x", "main.go": "x"}, ErrNotStateDir},
		"a record of others":             {map[string]string{"job.json": `{"name":"x"}`}, ErrNotStateDir},
		"a file called log":              {map[string]string{"log": "x"}, ErrNotStateDir},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			for _, file := range slices.Sorted(maps.Keys(tc.files)) {
				if dir, ok := strings.CutSuffix(file, "/"); !ok {
					writeBytes(t, filepath.Join(path, file), []byte(tc.files[file]))
				} else if err := os.Mkdir(filepath.Join(path, dir), 0o777); err != nil {
					t.Fatal(err)
				}
			}
			if _, _, err := Peek(path); !errors.Is(err, tc.want) || tc.want == nil && err != nil {
				t.Errorf("Peek: %v, want %v", err, tc.want)
			}
			d, err := Open(path, Config{})
			if !errors.Is(err, tc.want) || tc.want == nil && err != nil {
				t.Errorf("Open: %v, want %v", err, tc.want)
			}
			if err == nil {
				d.Close()
			}
		})
	}
}

// TestOwnerKeepsDirectory: whatever a cleaner removes from the directory of a running job, nobody else gets it.
func TestOwnerKeepsDirectory(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path, "capitals")
	for _, name := range names(t, path) {
		if err := os.RemoveAll(filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Config{}); !errors.Is(err, ErrInUse) {
			t.Fatalf("without %s: %v", name, err)
		}
	}
	if used, err := InUse(path); !used || err != nil {
		t.Errorf("in use %v, %v", used, err)
	}
	if err := d.Check(); !errors.Is(err, ErrMoved) {
		t.Errorf("the owner finds %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if used, err := InUse(path); used || err != nil {
		t.Errorf("in use %v, %v, afterwards", used, err)
	}
}

// hold starts another process that holds the directory.
func hold(t *testing.T, path string, network bool) (kill func(), end func()) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "DSSS_TEST_HOLD="+path)
	if network {
		cmd.Env = append(cmd.Env, "DSSS_TEST_NETWORK=1")
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "held\n" {
		t.Fatalf("the holder said %q, %v", line, err)
	}
	kill = func() { cmd.Process.Kill(); cmd.Wait() }
	end = func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the holder ended with %v", err)
		}
	}
	return kill, end
}

// TestTwoProcesses: another process is kept out while the owner lives, and let
// in at once when it ends, by Close or by SIGKILL.
func TestTwoProcesses(t *testing.T) {
	bothKinds(t, func(t *testing.T) {
		path := t.TempDir()
		network, err := defaultFS.Remote(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, killed := range []bool{false, true, true, false} {
			kill, end := hold(t, path, network)
			_, err := Open(path, Config{})
			var in *InUseError
			if !errors.As(err, &in) || in.Job != "holder" || in.PID == os.Getpid() {
				t.Fatalf("Open beside the holder: %v", err)
			}
			if killed {
				kill()
			} else {
				end()
			}
			d := openDir(t, path, "")
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
