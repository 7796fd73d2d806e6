// Package wal is a job's log on disk: opaque records under ascending sequence numbers, in a directory of append-only
// segments. Each record is guarded by a CRC-32C (Castagnoli) checksum, so that what comes back is what went in or an
// error that names file and offset.
//
//	00000000000000000001.seg   a segment, named by its first sequence number
//	00000000000000052311.seg
//	*.tmp                      a file in the making; never read; removed by the next Open
//
// Only the end of the last segment can be incomplete after a crash. [Open] cuts such a torn tail off and reports it in
// [Recovery]. Damage anywhere else is [ErrCorrupt]: the middle of the log is never skipped. segment.go draws the bytes.
//
// After a power failure nothing is assumed of what was not synced: any sectors of it may be there, in files that may
// have grown without them. Bytes that were never written must read as zeros, as on every file system that hides what
// deleted files held. On one that does not (ext4 with data=writeback), the end of the log may be refused as damaged,
// by file and offset, where it could have been cut off.
//
// A segment's size always says where it ends. Space for the next segment is reserved, and its file on disk, before it
// is needed (spare.go). A file system that reserves none is used without.
//
// All files are reached through a vfs.FS. On files that are not the operating system's, everything happens in the
// caller's goroutine. Neither locks nor mappings into memory are used, so that a network file system will do. One
// process writes a log at a time; whoever owns the directory sees to that.
package wal
