package checkpoint

import (
	"io/fs"
	"syscall"
)

// linksOf returns how many names a file has; a directory that was removed has none.
func linksOf(info fs.FileInfo) uint64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return uint64(st.Nlink)
}
