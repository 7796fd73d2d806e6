package checkpoint

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
	// Refused is why Newest no longer tries this file; empty for one that it
	// would try.
	Refused string
}

// infoOf describes the file at path that ends with the trailer t.
func infoOf(path string, t trailer) Info {
	return Info{Path: path, Seq: t.seq, Bytes: t.length + trailerSize, Time: t.time, Run: t.run, Epoch: t.epoch, Objects: int(t.objects)}
}

// List returns the checkpoints in the store, newest first, by their names and
// trailers: it verifies nothing else. A missing directory has none.
func (s Store) List() ([]Info, error) {
	seqs, err := numbered(s.fs(), s.Dir, checkpointSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	var infos []Info
	for _, seq := range slices.Backward(seqs) {
		info, err := s.stat(checkpointPath(s.Dir, seq), seq)
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
	if t, err := readTrailer(f, st.Size()); err == nil {
		info.Time, info.Run, info.Epoch, info.Objects = t.time, t.run, t.epoch, int(t.objects)
	}
	return info, nil
}

// Newest opens the newest checkpoint in the store that verifies. It calls report, if
// not nil, for each newer one that it had to refuse. It fails with
// [ErrNoCheckpoint] when none is left. The caller closes the Reader.
func (s Store) Newest(report func(path string, err error)) (*Reader, error) {
	infos, err := s.List()
	if err != nil {
		return nil, err
	}
	for _, info := range infos {
		r, err := s.OpenFile(info.Path)
		if err == nil {
			return r, nil
		}
		if report != nil {
			report(info.Path, err)
		}
	}
	if len(infos) > 0 {
		return nil, fmt.Errorf("%w in %s: none of its %d files verifies", ErrNoCheckpoint, s.Dir, len(infos))
	}
	return nil, fmt.Errorf("%w in %s", ErrNoCheckpoint, s.Dir)
}

// Retain deletes all but the k newest checkpoints, oldest first.
func (s Store) Retain(k int) error {
	if k < 1 {
		return fmt.Errorf("retain %d checkpoints: at least one must stay", k)
	}
	seqs, err := numbered(s.fs(), s.Dir, checkpointSuffix)
	if err != nil {
		return fmt.Errorf("retain checkpoints: %w", err)
	}
	if len(seqs) <= k {
		return nil
	}
	for _, seq := range seqs[:len(seqs)-k] {
		if err := s.fs().Remove(checkpointPath(s.Dir, seq)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("retain checkpoints: %w", err)
		}
	}
	if err := s.fs().SyncDir(s.Dir); err != nil {
		return fmt.Errorf("retain checkpoints: %w", err)
	}
	return nil
}
