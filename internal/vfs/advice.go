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

// Forget waits until n bytes from off on are written to the disk, and drops
// what memory holds of them, so that the next read is of the disk
// (posix_fadvise(2)).
func Forget(f File, off, n int64) {
	if h, ok := f.(Host); ok {
		fd := int(h.OSFile().Fd())
		_ = unix.SyncFileRange(fd, off, n, unix.SYNC_FILE_RANGE_WAIT_BEFORE|unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER)
		_ = unix.Fadvise(fd, off, n, unix.FADV_DONTNEED)
	}
}
