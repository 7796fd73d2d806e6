// Package vfs is the seam between durable storage and the file system: the few
// operations that the state directory is made of, so that the same code runs on
// the operating system's files and on a disk in memory that loses what a crash
// may lose (internal/memfs).
//
// What an operation has done is visible at once and durable later: a file's
// bytes and size after File.Sync, a name's coming, change or going after SyncDir
// of the directory that holds it. Nothing else may be assumed of the order in
// which a disk takes what it is given (Pillai et al., "All File Systems Are Not
// Created Equal", OSDI 2014).
package vfs

import (
	"errors"
	"io"
	"io/fs"
)

// ErrLocked is returned by Lock while another holds the lock.
var ErrLocked = errors.New("locked by another")

// FS is a file system. Paths are as package path/filepath makes them. Errors
// are *fs.PathError or *os.LinkError where the operating system's are, and match
// fs.ErrNotExist, fs.ErrExist and the errors of package syscall. Its methods may
// be called concurrently.
type FS interface {
	// OpenFile opens a file with the flags of package os and mode 0666.
	OpenFile(path string, flag int) (File, error)
	// Mkdir makes a directory, whose parent exists, with mode 0777.
	Mkdir(path string) error
	Stat(path string) (fs.FileInfo, error)
	// ReadDir returns the names in a directory, ascending.
	ReadDir(path string) ([]string, error)
	// Rename replaces the file at to, if any, in one step.
	Rename(from, to string) error
	// Remove removes a file or an empty directory.
	Remove(path string) error
	// SyncDir makes the names in a directory durable. An error is final: what
	// is on disk is no longer known.
	SyncDir(path string) error
	// Lock locks the directory at path against every other Lock of it, in
	// this process and others, until the Closer is closed or the process ends.
	// It does not wait: it fails with ErrLocked.
	Lock(path string) (io.Closer, error)
	// Remote reports whether path, which exists, is on a file system that
	// other machines write too, so that neither Lock nor a mapping into memory
	// may be relied on there.
	Remote(path string) (bool, error)
}

// File is an open file. ReadAt may be called concurrently with anything but
// Close; whoever writes serialises the other methods.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Size() (int64, error)
	// Sync makes the file's bytes and size durable. An error is final: what
	// was not on disk before may be lost even when a later Sync succeeds
	// (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX
	// ATC 2020).
	Sync() error
	// Allocate reserves space for the file to grow to size without changing
	// its size. It fails with errors.ErrUnsupported where the file system
	// cannot, and for want of space with ENOSPC or EDQUOT.
	Allocate(size int64) error
}
