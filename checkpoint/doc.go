// Package checkpoint keeps what a job must not lose: the state directory with
// its owner and its job record, the log of ordered records, and the checkpoint
// files.
//
// The package knows no user class and no wire format. What it stores for
// others is opaque bytes, each guarded by a CRC-32C (Castagnoli) checksum, so
// that what comes back is what went in or an error that names file and offset.
//
// # The state directory
//
//	DIR/
//	  owner                            who holds the flock on DIR: host, boot, pid, job, start time; removed by Close
//	  owner.N                          in place of the flock on a network file system: the N-th owner, with a heartbeat
//	  job.json                         the job record: name, program, classes, epoch, run, status, and what is there at least
//	  log/
//	    00000000000000000001.00000.seg log segment, named by its first sequence number and its part
//	    00000000000000052311.00000.seg
//	  checkpoints/
//	    00000000000000050000.db        checkpoint, named by the last sequence number in it
//	    00000000000000060000.db
//	    00000000000000060000.refused   why that checkpoint could not be loaded and is not tried again
//	  */*.tmp                          a file in the making; never read; removed by its next maker
//
// A state directory is known by any of these parts, and each has a number for its
// format, which changes with the format (TestFormats). The job record has a lower
// bound of the rest: which log it is and how far it reached on disk, and the
// newest checkpoint. It is written again when a checkpoint is, when a segment is
// full and when a job ends, always after what it tells of. What ends before the
// bound, is another job's, or is missing as a whole, is [ErrIncomplete]. What lies
// beyond it, and a whole directory put back from one copy, cannot be told from a
// crash.
//
// One process owns the directory at a time ([OpenDir]); the owner alone writes
// the job record and the log. Checkpoints are made by one [Writer] at a time,
// which may live in another process of the same job. Everything may be read by
// anyone at any time.
//
// # The log
//
// [Log] is a sequence of append-only segments. Only the end of the last one
// can be incomplete after a crash; [OpenLog] cuts such a torn tail off and
// reports it in [Recovery]. Damage anywhere else is [ErrCorruptLog]: the middle
// of the log is never skipped. segment.go draws the bytes.
//
// After a power failure nothing is assumed of what was not synced: any sectors
// of it may be there, in files that may have grown without them. Bytes that were
// never written must read as zeros, as on every file system that hides what
// deleted files held; on one that does not (ext4 with data=writeback), the end
// of the log may be refused as damaged, by file and offset, where it could have
// been cut off.
//
// A segment's size always says where it ends. Space for the next segment is
// reserved, and its file on disk, before it is needed (spare.go). A file system
// that reserves none is used without.
//
// # Checkpoint files
//
// A checkpoint is a bbolt database followed by a trailer with its length and
// checksum. It is written once, front to back, under a temporary name, synced,
// read back and verified, and only then renamed to its final name. [OpenFile]
// verifies the trailer, the structure of every page and the checksum of every
// chunk before it returns a [Reader]. trailer.go draws the bytes and says why
// the digest is a trailer; tree.go says why bbolt reads them but does not write
// them.
//
// # File systems
//
// Everything but the heartbeat on a network file system goes through a vfs.FS
// ([DirConfig], [LogConfig], [Store]), so that the whole package runs on a disk
// in memory too, and in one goroutine where the files are not the operating
// system's. Only bbolt wants a real file to map: the Reader of a checkpoint that
// is elsewhere reads a copy in an unnamed file of the node's temporary directory.
//
// # Network file systems
//
// Locks taken with flock and files mapped with mmap cannot be relied on over
// NFS, Lustre, GPFS, BeeGFS, CIFS and their like. There the owner is the
// highest numbered owner file, kept alive by a heartbeat, and bbolt reads the
// copy just described. Writing a checkpoint and the log need neither.
//
// The package uses Linux system calls (statfs, fdatasync, fadvise).
package checkpoint
