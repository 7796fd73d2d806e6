package checkpoint

import (
	"errors"
	"os"
	"path/filepath"
)

// Abandon closes the Dir and, when no job was ever recorded in it, removes what OpenDir made: a job that was refused
// leaves nothing behind. Parents stay. It does nothing but Close where the directory holds a job.
func (d *Dir) Abandon() error {
	_, exists := d.Job()
	err := d.Close()
	if exists || err != nil {
		return err
	}
	for _, name := range []string{d.LogDir(), d.CheckpointDir(), filepath.Join(d.path, lockFile), d.path} {
		if rerr := os.Remove(name); rerr != nil && !errors.Is(rerr, os.ErrNotExist) && name != d.path {
			err = errors.Join(err, rerr)
		}
	}
	return err
}
