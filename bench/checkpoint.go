package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"dsss/checkpoint/snapshot"
	"dsss/internal/limits"
)

// measureCheckpoint times writing a checkpoint, which ends when it is synced, read back and verified under its name,
// beside writing and syncing a plain file of the same bytes; and opening, verifying and reading it beside reading the
// plain file, both from the disk and from memory.
func measureCheckpoint(o options, r *report, progress io.Writer) error {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.out, "checkpoint-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c := newCheckpointBench(dir, o.checkpointMiB)
	for round := range o.rounds + 1 {
		fmt.Fprintf(progress, "round %d of %d: checkpoint of %d MiB\n", round, o.rounds, o.checkpointMiB)
		figures := &report{series: map[string][]float64{}}
		into := figures // the first round gives the files their blocks and does not count
		if round > 0 {
			into = r
		}
		if err := c.round(into, round%2 == 0); err != nil {
			return err
		}
	}
	return nil
}

// checkpointBench is the state to be saved, as pieces of limits.Piece, and where.
type checkpointBench struct {
	dir, plain string
	pieces     int
	pool       [][]byte // distinct pieces, taken in turn
}

func newCheckpointBench(dir string, mib int) *checkpointBench {
	c := &checkpointBench{dir: dir, plain: filepath.Join(dir, "plain"), pieces: mib}
	random := rand.NewChaCha8([32]byte{1})
	for range min(mib, 16) {
		piece := make([]byte, limits.Piece)
		random.Read(piece) // never fails
		c.pool = append(c.pool, piece)
	}
	return c
}

// round measures everything once. ours says who goes first.
func (c *checkpointBench) round(r *report, ours bool) error {
	if err := c.pair(r, "checkpoint", ours, c.writePlain, c.writeOurs); err != nil {
		return err
	}
	path := c.path()
	if err := errors.Join(forget(c.plain), forget(path)); err != nil {
		return err
	}
	if err := c.pair(r, "restore_cold", ours, c.readPlain, c.readOurs); err != nil {
		return err
	}
	if err := c.pair(r, "restore_warm", ours, c.readPlain, c.readOurs); err != nil {
		return err
	}
	return errors.Join(os.Remove(c.plain), os.Remove(path))
}

func (c *checkpointBench) pair(r *report, name string, ours bool, plain, mine func() error) error {
	sides := []struct {
		series string
		do     func() error
	}{{name + "_plain_mb_per_s", plain}, {name + "_mb_per_s", mine}}
	if ours {
		sides[0], sides[1] = sides[1], sides[0]
	}
	for _, s := range sides {
		began := time.Now()
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.series, err)
		}
		r.add(s.series, float64(c.pieces*limits.Piece)/1e6/time.Since(began).Seconds())
	}
	r.ratio(name+"_ratio", name+"_mb_per_s", name+"_plain_mb_per_s")
	return nil
}

func (c *checkpointBench) path() string { return filepath.Join(c.dir, fmt.Sprintf("%020d.db", 1)) }

func (c *checkpointBench) writePlain() error {
	f, err := os.Create(c.plain)
	if err != nil {
		return err
	}
	defer f.Close()
	for i := range c.pieces {
		if _, err := f.Write(c.pool[i%len(c.pool)]); err != nil {
			return err
		}
	}
	return f.Sync()
}

func (c *checkpointBench) writeOurs() error {
	w, err := snapshot.Store{Dir: c.dir}.Create(snapshot.Meta{Seq: 1})
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := w.BeginObject(snapshot.Object{ID: 1, Name: "state"}); err != nil {
		return err
	}
	for i := range c.pieces {
		if err := w.Chunk(c.pool[i%len(c.pool)]); err != nil {
			return err
		}
	}
	_, err = w.Commit()
	return err
}

func (c *checkpointBench) readPlain() error {
	f, err := os.Open(c.plain)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, limits.Piece)
	for range c.pieces {
		if _, err := io.ReadFull(f, buf); err != nil {
			return err
		}
	}
	return nil
}

func (c *checkpointBench) readOurs() error {
	r, err := snapshot.Open(c.path())
	if err != nil {
		return err
	}
	defer r.Close()
	n := 0
	for piece, err := range r.Chunks(1) {
		if err != nil {
			return err
		}
		n += len(piece)
	}
	if n != c.pieces*limits.Piece {
		return fmt.Errorf("%d bytes came back of %d", n, c.pieces*limits.Piece)
	}
	return nil
}

// forget drops what memory holds of a file that is synced.
func forget(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}
