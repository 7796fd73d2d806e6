package chaos

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	acked   map[int64]int64 // when the last call of each appender began that was acknowledged
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
			l = &log{name: filepath.Join(w.dir, e.Name()), asked: map[int64]int64{}, acked: map[int64]int64{}}
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
			l.acked[r.Client] = l.asked[r.Client]
		}
	}
	return nil
}

// well returns since when, in a run, all appenders of a rank have been acknowledged a call; 0 when one has not.
func (w *watch) well(run uint64, rank int) int64 {
	at := int64(0)
	for _, l := range w.logs {
		if l.run == run && l.rank == rank && len(l.acked) == appenders+1 {
			at = max(at, slices.Min(slices.Collect(maps.Values(l.acked))))
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
