// Package snapshot keeps a job's state at one sequence number in a file: a checkpoint. What is in it is opaque bytes,
// guarded by CRC-32C (Castagnoli) checksums, so that what comes back is what went in or an error that names the file.
//
//	00000000000000050000.db        a checkpoint, named by the last sequence number in it
//	00000000000000060000.db
//	00000000000000060000.refused   why that checkpoint could not be loaded and is not tried again
//	*.tmp                          a file in the making; never read; removed by the next Create
//
// A checkpoint is a bbolt database followed by a trailer with its length and checksum. It is written once, front to
// back, under a temporary name, synced, read back and verified, and only then renamed to its final name. [Store.Open]
// verifies the trailer, the checksum of every byte and the structure of every page before it returns a [Reader].
// trailer.go draws the bytes and says why the digest is a trailer; tree.go says why bbolt reads them but does not
// write them.
//
// All files are reached through a vfs.FS. Only bbolt wants a real file to map: the Reader of a checkpoint that is on a
// network file system, or on files that are not the operating system's, reads a copy in an unnamed file of the node's
// temporary directory.
package snapshot

import "errors"

// Sentinel errors; test for them with errors.Is.
var (
	// ErrCorrupt: a checkpoint file does not verify. The error names it.
	ErrCorrupt = errors.New("corrupt checkpoint")
	// ErrNone: the directory has no checkpoint that verifies.
	ErrNone = errors.New("no checkpoint")
	// ErrTooLarge: a chunk or a name exceeds its limit.
	ErrTooLarge = errors.New("over the size limit")
	// ErrClosed: the Writer has ended.
	ErrClosed = errors.New("closed")
)
