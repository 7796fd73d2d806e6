package coordinator

import (
	"errors"
	"fmt"
	"sync"

	"dsss/checkpoint/snapshot"
)

// snapshots opens the newest checkpoint once for all who are sent it: opening one verifies all of it. Every piece has a
// checksum besides, which is compared again as it is read, so what changes on the disk meanwhile is not sent.
type snapshots struct {
	// mu is held while one is opened: who needs it too waits, and finds it open. The coordinator's mu may be taken while
	// it is held, not the other way round.
	mu   sync.Mutex
	open *openCheckpoint // nil: none is
}

// A snapshot is a verified checkpoint that stays open as long as somebody reads it, or it is the newest.
type openCheckpoint struct {
	*snapshot.Reader
	of   *snapshots
	uses int // guarded by of.mu
}

// release ends one use.
func (s *openCheckpoint) release() error {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	return s.releaseLocked()
}

func (s *openCheckpoint) releaseLocked() error {
	if s.uses--; s.uses > 0 {
		return nil
	}
	return s.Close()
}

// forget lets go of the one that is open: a newer one has been written, or the job ends.
func (s *snapshots) forget() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.open
	if old == nil {
		return nil
	}
	s.open = nil
	return old.releaseLocked()
}

// newestCheckpoint returns the newest that verifies, saying which ones did not; nil when there is none at all. The caller
// releases it.
func (c *Core) newestCheckpoint() (*openCheckpoint, error) {
	s := &c.snapshots
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != nil {
		s.open.uses++
		return s.open, nil
	}
	refused := 0
	r, err := c.dir.Store().Newest(func(path string, err error) {
		refused++
		c.warn(fmt.Sprintf("checkpoint %s cannot be used: %v; trying the one before", path, err))
	})
	if errors.Is(err, snapshot.ErrNone) {
		if refused > 0 {
			c.warn("no checkpoint can be used; starting from the log alone")
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.open = &openCheckpoint{Reader: r, of: s, uses: 2} // ours and the caller's
	return s.open, nil
}
