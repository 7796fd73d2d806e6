package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/wal"
	"dsss/internal/vfs"
)

// ours are the names in a state directory, besides owner files and what is in the making. access and dump are the
// launcher's, diverged the coordinator's.
var ours = map[string]bool{jobFile: true, logDir: true, checkpointsDir: true, ownerFile: true, "access": true, "dump": true, "diverged": true}

// checkStateDir refuses a directory that is neither empty nor ours. It is known by any of its parts, because cleaners,
// copies and backups leave some out: its record, a segment, a checkpoint, an owner's record. One that holds nothing but
// our names, without anything in them, is as good as empty.
func checkStateDir(fsys vfs.FS, path string) error {
	names, err := fsys.ReadDir(path)
	if err != nil {
		return fmt.Errorf("read state directory: %w", err)
	}
	foreign := ""
	for _, name := range names {
		known, proof, err := part(fsys, path, name)
		if err != nil {
			return fmt.Errorf("read state directory: %w", err)
		}
		if proof {
			return nil
		}
		if !known && foreign == "" {
			foreign = name
		}
	}
	if foreign != "" {
		return fmt.Errorf("%s: %w (it holds %s)", path, ErrNotStateDir, foreign)
	}
	return nil
}

// part tells whether a name may be in a state directory, and whether what has it shows that this is one.
func part(fsys vfs.FS, dir, name string) (known, proof bool, err error) {
	path := filepath.Join(dir, name)
	switch {
	case name == jobFile || name == ownerFile || strings.HasPrefix(name, ownerFile+"."):
		b, err := vfs.ReadFile(fsys, path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, false, err
		}
		var r struct{ Format, PID int }
		proof := json.Unmarshal(b, &r) == nil && (name == jobFile && r.Format > 0 || name != jobFile && r.PID > 0)
		return proof || len(b) == 0 || name != jobFile && name != ownerFile, proof, nil
	case name == logDir || name == checkpointsDir:
		names, err := fsys.ReadDir(path)
		if err != nil {
			return false, false, nil // a file of that name
		}
		for _, n := range names {
			if name == logDir && wal.IsName(n) || name == checkpointsDir && snapshot.IsName(n) {
				return true, true, nil
			}
			if !strings.HasSuffix(n, vfs.TmpSuffix) {
				return false, false, nil
			}
		}
		return true, false, nil
	}
	return ours[name] || strings.HasSuffix(name, vfs.TmpSuffix), false, nil
}

// needsRecord refuses a directory that holds a log or checkpoints, and no job record.
func needsRecord(fsys vfs.FS, dir string) error {
	saved, err := fsys.ReadDir(CheckpointDirOf(dir))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	has := slices.ContainsFunc(saved, snapshot.IsName)
	if err == nil && !has {
		has, err = wal.Holds(fsys, filepath.Join(dir, logDir))
	}
	if err != nil {
		return fmt.Errorf("read state directory: %w", err)
	}
	if has {
		return Incomplete(dir, "it holds a log or checkpoints, and its record %s is missing", jobFile)
	}
	return nil
}
