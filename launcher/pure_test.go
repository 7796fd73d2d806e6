package launcher

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dsss/internal/limits"
	"dsss/internal/machine"
	"dsss/launcher/fleet"
)

func TestFirstCause(t *testing.T) {
	worker := func(rank int, e fleet.Exit) observation {
		return observation{what: exited, who: fleet.Worker(rank), pid: 10 + rank, exit: e, joined: true}
	}
	told := func(o observation) observation { o.told = true; return o }
	coordinator := func(e fleet.Exit) observation {
		return observation{what: exited, who: fleet.Coordinator, pid: 1, exit: e}
	}
	code, killed := fleet.Exit{Code: 3}, fleet.Exit{Code: -1, Signal: syscall.SIGKILL}
	for name, c := range map[string]struct {
		seen []observation
		want int // index
	}{
		"one":                      {[]observation{worker(2, code)}, 0},
		"the first of two":         {[]observation{worker(2, code), worker(1, killed)}, 0},
		"not one that was told":    {[]observation{told(worker(2, killed)), worker(1, code)}, 1},
		"all were told":            {[]observation{told(worker(2, killed)), told(worker(1, killed))}, 0},
		"panic after the exits":    {[]observation{worker(0, code), worker(1, code), {what: panicked}}, 2},
		"panic before a failure":   {[]observation{{what: failed}, {what: panicked}}, 1},
		"failure before exits":     {[]observation{worker(0, code), coordinator(code), {what: failed}}, 2},
		"coordinator took workers": {[]observation{worker(0, code), worker(1, code), coordinator(killed)}, 2},
		"coordinator after signal": {[]observation{worker(0, killed), coordinator(code)}, 0},
		"coordinator was told":     {[]observation{worker(0, code), told(coordinator(code))}, 0},
		"link broke with it":       {[]observation{{what: lostLink}, coordinator(killed)}, 1},
		"link broke alone":         {[]observation{{what: lostLink}, told(coordinator(killed))}, 0},
		"output":                   {[]observation{{what: lostOutput}, worker(0, code)}, 0},
	} {
		if got := firstCause(c.seen); !reflect.DeepEqual(got, c.seen[c.want]) {
			t.Errorf("%s: got %v, want %v", name, got, c.seen[c.want])
		}
	}
}

func TestObservationText(t *testing.T) {
	for _, c := range []struct {
		o      observation
		text   string
		status int
	}{
		{observation{what: exited, who: fleet.Worker(2), pid: 7, exit: fleet.Exit{Code: 3}, joined: true}, "rank 2 (pid 7) exited with code 3", 3},
		{observation{what: exited, who: fleet.Worker(0), pid: 7, exit: fleet.Exit{}}, "rank 0 (pid 7) exited with code 0 before dsss.Join", 1},
		{observation{what: exited, who: fleet.Worker(2), pid: 7, exit: fleet.Exit{Code: -1, Signal: syscall.SIGSEGV}, joined: true}, "rank 2 (pid 7) killed by signal 11 (segmentation fault)", 139},
		{observation{what: exited, who: fleet.Keeper, pid: 8, exit: fleet.Exit{Code: 5}}, "the keeper (pid 8) exited with code 5", 1},
		{observation{what: lostLink, text: "EOF\nmore"}, "the connection to the coordinator broke: EOF", 1},
		{observation{what: notStarted, who: fleet.Worker(1), text: "no memory"}, "rank 1 could not be started: no memory", 1},
		{observation{what: lostOutput, text: "writing stdout: no space"}, "writing stdout: no space", 1},
	} {
		if c.o.String() != c.text || c.o.status() != c.status {
			t.Errorf("got %q, %d; want %q, %d", c.o, c.o.status(), c.text, c.status)
		}
	}
}

func TestConfig(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"no program given":                      func(c *Config) { c.Program = nil },
		"Workers is 0: want 1 to 1024":          func(c *Config) { c.Workers = 0 },
		"Workers is -1: ":                       func(c *Config) { c.Workers = -1 },
		"Workers is 100000: ":                   func(c *Config) { c.Workers = 100000 },
		"--name \"a/b\": ":                      func(c *Config) { c.Name = "a/b" },
		"--name \"xxxxx":                        func(c *Config) { c.Name = strings.Repeat("x", 5000) },
		"OnFailure is \"retry\": ":              func(c *Config) { c.OnFailure = "retry" },
		"MTBF is -1s: ":                         func(c *Config) { c.MTBF = -time.Second },
		"Overhead is 2: ":                       func(c *Config) { c.Overhead = 2 },
		"Keep is -1: ":                          func(c *Config) { c.Keep = -1 },
		"Grace is -1s: ":                        func(c *Config) { c.Grace = -time.Second },
		"CheckpointEvery is 1ns: ":              func(c *Config) { c.CheckpointEvery = 1 },
		"Durability is \"none\": ":              func(c *Config) { c.Durability = "none" },
		"Output is \"file\": ":                  func(c *Config) { c.Output = "file" },
		"Output is \"dir=\": ":                  func(c *Config) { c.Output = "dir=" },
		"program nosuch not found in $PATH":     func(c *Config) { c.Program = []string{"nosuch"} },
		"program ./nosuch not found":            func(c *Config) { c.Program = []string{"./nosuch"} },
		"program " + dir + " is a directory":    func(c *Config) { c.Program = []string{dir} },
		"program " + plain + " is not execut":   func(c *Config) { c.Program = []string{plain} },
		"program " + plain + "/x cannot be run": func(c *Config) { c.Program = []string{plain + "/x"} },
	} {
		c := Config{Program: []string{os.Args[0]}, Workers: 2}
		change(&c)
		c, err := c.withDefaults()
		if err == nil {
			err = c.validate()
		}
		if !errors.Is(err, ErrUsage) || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	c, err := Config{Program: []string{os.Args[0]}, Workers: 2}.withDefaults()
	if err != nil || c.validate() != nil {
		t.Fatal(err, c.validate())
	}
	name := filepath.Base(os.Args[0])
	if c.Name != name || c.StateDir != "./"+name+".dsss" || c.Durability != "interval" || c.Keep != 2 || c.Output != "tag" {
		t.Errorf("defaults: %+v", c)
	}
}

func TestSplitter(t *testing.T) {
	for _, c := range []struct {
		max    int
		chunks []string
		want   []string
	}{
		{9, nil, nil},
		{9, []string{"a\nb\n"}, []string{"a", "b"}},
		{9, []string{"a", "b", "\n", "\n", "c"}, []string{"ab", "", "c"}},
		{3, []string{"abcdefgh\nx\n"}, []string{"abc", "def", "gh", "x"}},
		{3, []string{"abc\ndef"}, []string{"abc", "def"}},
		{3, []string{"abc", "d\n"}, []string{"abc", "d"}},
		{3, []string{"aéé\n"}, []string{"aé", "é"}},
		{3, []string{"abé\n"}, []string{"ab", "é"}},
	} {
		s := splitter{max: c.max}
		var got []string
		line := func(b []byte) { got = append(got, string(b)) }
		for _, chunk := range c.chunks {
			s.push([]byte(chunk), line)
		}
		s.end(line)
		if !slices.Equal(got, c.want) {
			t.Errorf("max %d, %q: got %q, want %q", c.max, c.chunks, got, c.want)
		}
	}
}

// Nothing is lost or added but newlines, and no piece is too long, however the stream is cut up.
func FuzzSplitter(f *testing.F) {
	f.Add([]byte("a\nbc\n\ndef"), uint8(2), uint8(3))
	f.Add([]byte("ééé\xff\xfe\x80\x80\x80\x80\x80\n"), uint8(1), uint8(4))
	f.Fuzz(func(t *testing.T, data []byte, step, most uint8) {
		s := splitter{max: int(most)%64 + 1}
		var got []byte
		line := func(b []byte) {
			if len(b) > s.max || bytes.IndexByte(b, '\n') >= 0 {
				t.Fatalf("line %q, at most %d bytes", b, s.max)
			}
			got = append(got, b...)
		}
		for chunk := range slices.Chunk(data, int(step)%16+1) {
			s.push(chunk, line)
		}
		s.end(line)
		if want := bytes.ReplaceAll(data, []byte("\n"), nil); !bytes.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestRing(t *testing.T) {
	var r ring
	for i := range 20 {
		r.add(fmt.Appendf(nil, "line %d\x1b[1m", i))
		r.add([]byte("  "))
	}
	want := []string{"line 15 [1m", "line 16 [1m", "line 17 [1m", "line 18 [1m", "line 19 [1m"}
	if got := r.last(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	r.add(bytes.Repeat([]byte("x"), 10*limits.LastLine))
	if got := r.last(); len(got[4]) != limits.LastLine {
		t.Errorf("kept %d bytes of a line, want %d", len(got[4]), limits.LastLine)
	}
	r.add([]byte("panic: boom"))
	for range 9 {
		r.add([]byte("goroutine 1 [running]:"))
	}
	if got := r.last(); !slices.Equal(got, []string{"panic: boom"}) {
		t.Errorf("got %q, want the reason of the panic", got)
	}
}

func TestHold(t *testing.T) {
	var shown bytes.Buffer
	show := func(b []byte) { shown.Write(b) }
	var h hold
	h.write([]byte("a\n"), show)
	h.write([]byte("b\nc\n"), show)
	if shown.Len() > 0 {
		t.Fatalf("shown too early: %q", &shown)
	}
	if got := h.last(); got != "c" {
		t.Errorf("last: %q", got)
	}
	h.release(show)
	h.write([]byte("d\n"), show)
	if shown.String() != "a\nb\nd\n" || len(h.take()) > 0 {
		t.Errorf("shown: %q", &shown)
	}
	shown.Reset()
	h = hold{}
	for range limits.HeldOutput/100 + 1 {
		h.write(bytes.Repeat([]byte("y"), 100), show)
	}
	if shown.Len() <= limits.HeldOutput {
		t.Errorf("%d bytes shown of too many to hold", shown.Len())
	}
}

func TestProgress(t *testing.T) {
	var p progress
	at := time.Unix(1000, 0)
	step := func(d time.Duration) time.Time { at = at.Add(d); return at }
	for i, c := range []struct {
		got  []string
		want []string
	}{
		{p.offer(0, "a", at), []string{"progress: a"}},
		{p.offer(1, "b\x07", at), []string{"progress: [1] b "}},
		{p.offer(0, "c", step(time.Second)), nil},
		{p.offer(0, "d", step(time.Millisecond)), nil},
		{p.tick(at), nil},
		{p.tick(step(time.Second)), []string{"progress: d"}},
		{p.tick(step(time.Hour)), nil},
		{p.offer(0, "e", at), []string{"progress: e"}},
		{p.offer(0, "f", at), nil},
		{p.rest(at), []string{"progress: f"}},
		{p.rest(at), nil},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("step %d: got %q, want %q", i, c.got, c.want)
		}
	}
}

// The coordinator's word of what a rank said may come after the rank's end.
func TestProgressAfterTheEnd(t *testing.T) {
	j, said := stuckJob(t, 2)
	for _, r := range j.ranks {
		j.onProgress(r.process, "begun")
	}
	j.phase = leaving // what follows is not the subject
	j.ranks[0].exit, j.ranks[1].exit = &fleet.Exit{}, &fleet.Exit{Code: 1}
	for _, r := range j.ranks {
		j.onWorkerExit(r)
		j.onProgress(r.process, "nearly done")
	}
	j.lastNotices(nil)
	if got, want := said(), "progress: begun\nprogress: [1] begun\nprogress: [1] nearly done\n"; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

func TestElapsed(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00", 59 * time.Second: "0:59", 61 * time.Second: "1:01", time.Hour + 61*time.Second: "1:01:01", 100 * time.Hour: "100:00:00",
	} {
		if got := elapsed(d); got != want {
			t.Errorf("elapsed(%v) = %s, want %s", d, got, want)
		}
	}
}

// TestAccessOfOthers: a job is reached only from where its process ids mean something: names of hosts may be equal.
func TestAccessOfOthers(t *testing.T) {
	here, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	self, _ := machine.Find(os.Getpid())
	for want, change := range map[string]func(*Access){
		"":                                       func(*Access) {},
		" runs on elsewhere: run this there":     func(a *Access) { a.Node = "elsewhere" },
		", or runs on another host of that name": func(a *Access) { a.Boot = "another" },
		" was killed; 'dsss run --resume'":       func(a *Access) { a.Birth++ },
		"it is a copy of ":                       func(a *Access) { a.Inode++ },
		"another version of dsss":                func(a *Access) { a.Format++ },
	} {
		dir := t.TempDir()
		a := &Access{Format: accessFormat, StateDir: dir, Inode: inodeOf(dir), Job: "job", Node: here, Boot: machine.Boot(), Launcher: os.Getpid(), Birth: self.Birth, PIDs: machine.PIDNamespace()}
		change(a)
		if err := (&publisher{path: filepath.Join(dir, accessFile)}).write(a); err != nil {
			t.Fatal(err)
		}
		if _, err := readAccess(dir); (err == nil) != (want == "") || err != nil && (!errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestAccessHasANumber holds a digest of the access file's layout beside its format number: the two change together.
func TestAccessHasANumber(t *testing.T) {
	var layout strings.Builder
	for _, s := range []reflect.Type{reflect.TypeFor[Access](), reflect.TypeFor[RankAccess]()} {
		for i := range s.NumField() {
			f := s.Field(i)
			fmt.Fprintln(&layout, f.Name, f.Tag, f.Type)
		}
	}
	const want = "4 273ae40bdd2b"
	if got := fmt.Sprintf("%d %x", accessFormat, sha256.Sum256([]byte(layout.String())))[:14]; got != want {
		t.Errorf("number and layout are %q, here is %q: raise accessFormat when the layout changes, and put the new digest here", got, want)
	}
}
