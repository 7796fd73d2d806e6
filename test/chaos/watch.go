package chaos

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A log is what a journal says so far.
type log struct {
	run    uint64
	rank   int
	name   string // of the file
	offset int64

	records []Record
	asked   map[int64]int64 // when the last call of each client began
	well    int64           // when the last call began that was acknowledged
	last    string          // the last What
}

// A watch follows the journals of a job while they grow. It is for one goroutine.
type watch struct {
	dir  string
	logs map[string]*log
}

func newWatch(dir string) *watch {
	return &watch{dir: filepath.Join(dir, journalDir), logs: map[string]*log{}}
}

// look reads what is new.
func (w *watch) look() error {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), stateSuffix) {
			continue
		}
		l := w.logs[e.Name()]
		if l == nil {
			l = &log{name: filepath.Join(w.dir, e.Name()), asked: map[int64]int64{}}
			var id int64
			if n, err := fmt.Sscanf(e.Name(), "%d-%d-%d", &l.run, &l.rank, &id); n != 3 || err != nil {
				return fmt.Errorf("what is %s?", e.Name())
			}
			w.logs[e.Name()] = l
		}
		if err := l.read(); err != nil {
			return err
		}
	}
	return nil
}

func (l *log) read() error {
	f, err := os.Open(l.name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(l.offset, io.SeekStart); err != nil {
		return err
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	records, used, err := parseJournal(b)
	if err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	l.offset += int64(used)
	l.records = append(l.records, records...)
	for _, r := range records {
		l.last = r.What
		switch {
		case r.What == asked || r.What == calling:
			l.asked[r.Client] = r.At
		case r.What == told && r.Fates == nil:
			l.well = max(l.well, l.asked[r.Client])
		}
	}
	return nil
}

// well returns when, in a run, the last call of a rank began that was acknowledged; 0 when there is none.
func (w *watch) well(run uint64, rank int) int64 {
	at := int64(0)
	for _, l := range w.logs {
		if l.run == run && l.rank == rank {
			at = max(at, l.well)
		}
	}
	return at
}

// count tells how many journals of a run end with what.
func (w *watch) count(run uint64, what string) int {
	n := 0
	for _, l := range w.logs {
		if l.run == run && l.last == what {
			n++
		}
	}
	return n
}
