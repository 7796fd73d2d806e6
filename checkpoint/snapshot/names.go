package snapshot

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"dsss/internal/vfs"
)

const suffix = ".db"

// IsName reports whether a path is named like a checkpoint.
func IsName(path string) bool {
	_, ok := numberedName(filepath.Base(path), suffix)
	return ok
}

func pathOf(dir string, seq uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", seq, suffix))
}

// refusedSuffix ends the name of the marker beside a checkpoint that must not
// be tried again. It holds the reason, and goes with the checkpoint.
const refusedSuffix = ".refused"

func refusedPath(dir string, seq uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", seq, refusedSuffix))
}

// numbered lists the numbers in the names of a directory's files, ascending.
func numbered(fsys vfs.FS, dir, suffix string) ([]uint64, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var ns []uint64
	for _, name := range names {
		if n, ok := numberedName(name, suffix); ok {
			ns = append(ns, n)
		}
	}
	slices.Sort(ns)
	return ns, nil
}

// numberedName returns the number in names such as 00000000000000000017.db.
func numberedName(name, suffix string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && fmt.Sprintf("%020d", n) == digits // no sign
}
