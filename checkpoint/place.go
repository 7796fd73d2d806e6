package checkpoint

import "path/filepath"

// CheckpointDirOf returns the path to give to [Create] for the state directory at path, to a process that writes
// checkpoints but does not own the directory: the keeper.
func CheckpointDirOf(path string) string { return filepath.Join(path, checkpointsDir) }
