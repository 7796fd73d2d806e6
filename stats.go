package dsss

import (
	"cmp"
	"context"
	"slices"
	"time"

	"dsss/internal/limits"
)

// Stats are figures about a job at one moment, as the coordinator knows them. Figures that it does not know are 0.
type Stats struct {
	// Run is how many times the job has been started, and Epoch how many coordinators it has had.
	Run, Epoch uint64
	// Head is the sequence number of the last mutation that was ordered: how many there have been since the job first
	// began, those included that the runtime orders itself (one when an object is opened, one at each checkpoint).
	Head uint64
	// CommitIndex is the sequence number of the last mutation that anybody may see: Head, or less while durability Sync
	// waits for the disk.
	CommitIndex uint64
	// Log is the part of the log that is retained.
	Log LogStats
	// Checkpoints are those of this run.
	Checkpoints CheckpointStats
	// Cursors are the connections that read the log, by rank: the host, which has rank -2, the keeper, -1, and the workers.
	Cursors []CursorStats
	// Window is what this process has in flight. Other processes' windows are not known here.
	Window WindowStats
}

// LogStats are figures about the log.
type LogStats struct {
	// First is the first sequence number that it still holds, and Stored the last one that is on disk.
	First, Stored uint64
	// Bytes are in the coordinator's memory. At Limit, mutators wait until the slowest cursor has read on.
	Bytes, Limit uint64
}

// CheckpointStats are figures about checkpoints.
type CheckpointStats struct {
	// Written is how many have been written in this run.
	Written uint64
	// Last is the sequence number of the newest, also of an earlier run. 0: there is none.
	Last uint64
	// Bytes is the newest one's size, and Took the time that it took to write.
	Bytes uint64
	Took  time.Duration
}

// CursorStats are figures about one connection that reads the log.
type CursorStats struct {
	// Rank is that of the process behind the connection, -1 for the keeper, -2 for the host; of the first, when there are several.
	Rank int
	// Incarnation says which start of a process it is, as the launcher counts them; 0 without a launcher. Session is the
	// number that Order.Session has in its mutations.
	Incarnation, Session uint64
	// Members is how many processes are behind the connection.
	Members int
	// Applied is the last sequence number that their replicas report to have applied. They report now and then.
	Applied uint64
	// Sent is the last sequence number that was written to the connection.
	Sent uint64
	// Lag is how many committed mutations have not been reported as applied, and Bytes is what of them is not sent.
	Lag, Bytes uint64
	// Disk tells whether it reads from disk, because the log in memory begins after Sent.
	Disk bool
}

// WindowStats are figures about the mutators that this process has started and that have not been applied here.
type WindowStats struct {
	// Calls of at most CallsLimit, and Bytes of at most BytesLimit. At a limit, the next call waits.
	Calls, CallsLimit, Bytes, BytesLimit int
}

// Stats asks the coordinator for figures about the job.
func (j *Job) Stats(ctx context.Context) (Stats, error) {
	m, err := j.session.Stats(ctx)
	if err != nil {
		return Stats{}, asError("Stats", "", err)
	}
	calls, bytes := j.session.InFlight()
	s := Stats{
		Run: m.Run, Epoch: m.Epoch, Head: m.Head, CommitIndex: m.Commit,
		Log:         LogStats{First: m.First, Stored: m.Stored, Bytes: m.Memory, Limit: m.Limit},
		Checkpoints: CheckpointStats{Written: m.Checkpoints, Last: m.Saved, Bytes: m.SavedBytes, Took: time.Duration(m.SavedNanos)},
		Window:      WindowStats{Calls: calls, CallsLimit: limits.Window, Bytes: bytes, BytesLimit: limits.WindowBytes},
	}
	for _, c := range m.Cursors {
		s.Cursors = append(s.Cursors, CursorStats{
			Rank: int(c.Rank), Incarnation: c.Incarnation, Session: c.Member, Members: int(c.Members), Applied: c.Applied,
			Sent: max(c.Next, 1) - 1, Lag: m.Commit - min(c.Applied, m.Commit), Bytes: c.Bytes, Disk: c.Disk,
		})
	}
	slices.SortFunc(s.Cursors, func(a, b CursorStats) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Session, b.Session))
	})
	return s, nil
}
