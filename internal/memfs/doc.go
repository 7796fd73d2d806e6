// Package memfs is a disk in memory that loses what a crash may lose.
//
// A [Disk] is a vfs.FS. What an operation has done is visible at once; on the
// medium it is for certain only once the file, or for a name its directory, was
// synced. [Disk.Crash] makes the disk that a power failure leaves: everything
// synced, and of the rest what its caller chooses, in units ([Unit]):
//
//   - each sector of an unsynced write, with what was written to it before, or
//     its first bytes only (a torn write);
//   - a file's growth apart from the bytes in it: a file may have grown over
//     bytes that were never written, which then read as zeros or as garbage;
//   - each truncation;
//   - each name made, renamed or removed, apart from the bytes of its file.
//
// Any unit may be there without any other: the order of two operations is only
// kept by a sync between them. That is weaker than what any one file system
// does, after Pillai et al., "All File Systems Are Not Created Equal" (ALICE,
// OSDI 2014) and Mohan et al., "Finding Crash-Consistency Bugs with Bounded
// Black-Box Crash Testing" (OSDI 2018).
//
// A sync that fails leaves what it should have made durable visible and in doubt
// for good: no later sync covers it (Rebello et al., "Can Applications Recover
// from fsync Failures?", USENIX ATC 2020).
//
// [Disk.Inject] makes operations fail, and [Disk.Limit] makes the disk small.
//
// A Disk has no goroutine, no clock and no chance of its own: the same calls
// leave the same bytes, names and units in the same order. File times are all
// the epoch. Its files are not of the operating system, so whoever wants to map
// one into memory copies it out first, as from a network file system.
package memfs
