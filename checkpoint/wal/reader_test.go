package wal

import (
	"fmt"
	"io"
	"sync"
	"testing"
)

// TestReadWhileAppending: readers that start at any time see every record once,
// in order, across segments, up to the last one appended.
func TestReadWhileAppending(t *testing.T) {
	l, _ := openLog(t, t.TempDir(), Config{SegmentBytes: 4 << 10})
	const last = 3000
	var wg sync.WaitGroup
	appended := make(chan uint64, last+1)
	wg.Go(func() {
		defer close(appended)
		for seq := uint64(1); seq <= last; seq++ {
			if err := l.Append([]Record{{First: seq, Count: 1, Data: fmt.Appendf(nil, "record %d", seq)}}); err != nil {
				t.Error(err)
				return
			}
			appended <- seq
		}
	})
	wg.Go(func() {
		for l.Next() <= last {
			if err := l.Sync(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	read := func() error {
		r, err := l.Read(1)
		if err != nil {
			return err
		}
		defer r.Close()
		next, seen := uint64(1), uint64(0) // seen: appended before the call to Next
		for {
			rec, err := r.Next()
			switch {
			case err == io.EOF:
				if next <= seen {
					return fmt.Errorf("end of log at %d, but %d was appended", next, seen)
				}
				s, more := <-appended
				if !more && next > last {
					return nil
				}
				seen = max(seen, s)
			case err != nil:
				return err
			case rec.First != next || string(rec.Data) != fmt.Sprintf("record %d", next):
				return fmt.Errorf("record %d %q where %d was next", rec.First, rec.Data, next)
			default:
				next++
			}
		}
	}
	for range 3 {
		wg.Go(func() {
			if err := read(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
