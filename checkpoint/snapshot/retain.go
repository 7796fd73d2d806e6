package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// Info describes a checkpoint file.
type Info struct {
	Path    string
	Seq     uint64    // last sequence number in it
	Bytes   int64     // size of the file
	Time    time.Time // Meta.Time; of a file whose trailer cannot be read, when it was last modified
	Run     uint64    // launch that wrote it; 0 when the trailer cannot be read
	Epoch   uint64    // coordinator incarnation it was written under; 0 when the trailer cannot be read
	Objects int       // objects in it; -1 when the trailer cannot be read
	Sum     uint32    // checksum of all of it, by its trailer; 0 when that cannot be read
	// Refused is why Newest does not try this file; empty for one that it
	// would try. Only List and Verify set it.
	Refused string
}

// infoOf describes the file at path that ends with the trailer t.
func infoOf(path string, t trailer) Info {
	return Info{Path: path, Seq: t.seq, Bytes: t.length + trailerSize, Time: t.time, Run: t.run, Epoch: t.epoch, Objects: int(t.objects), Sum: t.sum}
}

// List returns the checkpoints in the store, newest first, by their names and
// trailers: it verifies nothing else. A missing directory has none.
func (s Store) List() ([]Info, error) {
	seqs, err := numbered(s.fs(), s.Dir, suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	var infos []Info
	for _, seq := range slices.Backward(seqs) {
		info, err := s.stat(pathOf(s.Dir, seq), seq)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed by Retain meanwhile
		} else if err != nil {
			return nil, fmt.Errorf("list checkpoints: %w", err)
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func (s Store) stat(path string, seq uint64) (Info, error) {
	f, err := s.fs().OpenFile(path, os.O_RDONLY)
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	st, err := s.fs().Stat(path)
	if err != nil {
		return Info{}, err
	}
	info := Info{Path: path, Seq: seq, Bytes: st.Size(), Time: st.ModTime(), Objects: -1}
	if info.Refused, err = s.refused(seq); err != nil {
		return Info{}, err
	}
	if t, err := readTrailer(f, st.Size()); err == nil {
		info.Time, info.Run, info.Epoch, info.Objects, info.Sum = t.time, t.run, t.epoch, int(t.objects), t.sum
	}
	return info, nil
}

// Retain deletes, oldest first, every checkpoint that is older than the k
// newest of those that are not refused. Refused ones do not count: they could
// not take a lost one's place.
func (s Store) Retain(k int) error {
	if k < 1 {
		return fmt.Errorf("retain %d checkpoints: at least one must stay", k)
	}
	if err := s.retain(k); err != nil {
		return fmt.Errorf("retain checkpoints: %w", err)
	}
	return nil
}

func (s Store) retain(k int) error {
	if err := s.writable(); err != nil {
		return err
	}
	seqs, err := numbered(s.fs(), s.Dir, suffix)
	if err != nil {
		return err
	}
	markers, err := numbered(s.fs(), s.Dir, refusedSuffix)
	if err != nil {
		return err
	}
	oldest := len(seqs) // index of the oldest to keep
	for sound := 0; oldest > 0 && sound < k; {
		oldest--
		if !slices.Contains(markers, seqs[oldest]) {
			sound++
		}
	}
	var stale []string
	for _, seq := range seqs[:oldest] {
		stale = append(stale, pathOf(s.Dir, seq))
	}
	// A marker outlives its checkpoint: without it a damaged file would be
	// tried again after a crash between the two.
	for _, seq := range markers {
		if !slices.Contains(seqs[oldest:], seq) {
			stale = append(stale, refusedPath(s.Dir, seq))
		}
	}
	for _, path := range stale {
		if err := s.fs().Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if len(stale) == 0 {
		return nil
	}
	return s.fs().SyncDir(s.Dir)
}
