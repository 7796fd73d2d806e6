// Package statedir keeps a job's state directory: who owns it, the job record, and where its log (package wal) and its
// checkpoints (package snapshot) are.
//
//	DIR/
//	  owner         who holds the flock on DIR: host, boot, pid, job, start time; removed by Close
//	  owner.N       in place of the flock on a network file system: the N-th owner, with a heartbeat
//	  job.json      the job record: name, program, classes, epoch, run, status, and what is there at least
//	  log/          segments
//	  checkpoints/  checkpoint files, and marks of those that are not tried again
//	  */*.tmp       a file in the making; never read; removed by its next maker
//
// A state directory is known by any of these parts, and each has a number for its format, which changes with the
// format. The job record has a lower bound of the rest: which log it is and how far it reached on disk, and the newest
// checkpoint. It is written again when a checkpoint is, when a segment is full and when a job ends, always after what
// it tells of. What ends before the bound, is another job's, or is missing as a whole, is [ErrIncomplete]. What lies
// beyond it, and a whole directory put back from one copy, cannot be told from a crash.
//
// One process owns the directory at a time ([Open]); the owner alone writes the job record and the log. Checkpoints are
// made by one writer at a time, which may live in another process of the same job. Everything may be read by anyone at
// any time.
//
// Everything but the heartbeat on a network file system goes through a vfs.FS, so that all of it runs on a disk in
// memory too, and in one goroutine there.
//
// Locks taken with flock cannot be relied on over NFS, Lustre, GPFS, BeeGFS, CIFS and their like. There the owner is
// the highest numbered owner file, kept alive by a heartbeat.
package statedir
