package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"dsss/internal/limits"
	"dsss/internal/vfs"
)

// Newest opens the newest checkpoint in the store that verifies, and makes its
// name durable. It calls report, if not nil, for each newer one that it could
// not use. One that is damaged it marks as refused ([Store.Refuse]), so that it
// is neither tried nor reported again; one that could not be read it tries again
// the next time. It fails with [ErrNone] when none is left. The caller
// closes the Reader.
func (s Store) Newest(report func(path string, err error)) (*Reader, error) {
	infos, err := s.List()
	if err != nil {
		return nil, err
	}
	for _, info := range infos {
		if info.Refused != "" {
			continue
		}
		r, err := s.Open(info.Path)
		switch {
		case err == nil:
			// Whoever gave it its name may have died before that was durable,
			// and the caller will now give up the log before it.
			if err := s.fs().SyncDir(s.Dir); err != nil {
				return nil, errors.Join(fmt.Errorf("newest checkpoint in %s: %w", s.Dir, err), r.Close())
			}
			return r, nil
		case errors.Is(err, fs.ErrNotExist):
			continue // removed by Retain meanwhile
		case errors.Is(err, ErrCorrupt):
			err = errors.Join(err, s.Refuse(info.Seq, err.Error()))
		}
		if report != nil {
			report(info.Path, err)
		}
	}
	if len(infos) > 0 {
		return nil, fmt.Errorf("%w in %s: none of its %d files can be used", ErrNone, s.Dir, len(infos))
	}
	return nil, fmt.Errorf("%w in %s", ErrNone, s.Dir)
}

// Refuse marks the checkpoint of seq as one that Newest must not try again,
// which outlasts restarts, and says why. The mark goes when the checkpoint is
// written again or removed.
func (s Store) Refuse(seq uint64, reason string) error {
	reason = strings.Join(strings.Fields(reason), " ") // one line
	if reason == "" {
		reason = "no reason was given"
	}
	reason = reason[:min(len(reason), limits.Name)]
	if err := s.writable(); err != nil {
		return fmt.Errorf("refuse checkpoint %d: %w", seq, err)
	}
	if err := vfs.WriteFile(s.fs(), refusedPath(s.Dir, seq), []byte(reason+"\n")); err != nil {
		return fmt.Errorf("refuse checkpoint %d in %s: %w", seq, s.Dir, err)
	}
	return nil
}

// refused returns why the checkpoint of seq is refused; empty when it is not.
func (s Store) refused(seq uint64) (string, error) {
	b, err := vfs.ReadFile(s.fs(), refusedPath(s.Dir, seq))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if reason := strings.TrimSpace(string(b)); reason != "" {
		return reason, nil
	}
	return "the marker does not say why", nil
}

// pardon removes the marker of seq, if any, for good.
func (s Store) pardon(seq uint64) error {
	err := s.fs().Remove(refusedPath(s.Dir, seq))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = s.fs().SyncDir(s.Dir)
	}
	return err
}
