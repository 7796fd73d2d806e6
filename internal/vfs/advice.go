package vfs

import "golang.org/x/sys/unix"

// The functions below give advice to the operating system about its own files.
// They change no result, only when work is done, so errors mean nothing.

// Writeback starts writing n bytes from off on to the disk, so that the Sync at
// the end has less to wait for (sync_file_range(2)).
func Writeback(f File, off, n int64) {
	if h, ok := f.(Host); ok {
		_ = unix.SyncFileRange(int(h.OSFile().Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE)
	}
}

// Forget drops what memory holds of a file that is synced, so that the next
// read is of the disk (posix_fadvise(2)).
func Forget(f File) {
	if h, ok := f.(Host); ok {
		_ = unix.Fadvise(int(h.OSFile().Fd()), 0, 0, unix.FADV_DONTNEED)
	}
}
