package statedir

import (
	"path/filepath"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/wal"
)

// StoreOf returns the checkpoints of the state directory at path, for who reads them without owning it.
func StoreOf(path string) snapshot.Store { return snapshot.Store{Dir: CheckpointDirOf(path)} }

// Parts lists the segments of the log in a state directory, oldest first, without reading them.
func Parts(path string) ([]wal.Part, error) { return wal.Parts(filepath.Join(path, logDir)) }

// CheckLog tells whether the log in a state directory, which may be in use, is the one of the job's record and reaches as
// far as it says. It reads the end only; see [wal.Part.Verify] for the rest.
func CheckLog(path string, job Job) error {
	return incomplete(path, wal.Check(filepath.Join(path, logDir), job.Log))
}
