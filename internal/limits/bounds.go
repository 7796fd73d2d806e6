package limits

// Bounds are the bounds that a simulation makes small, so that every one of them overflows under some seed. A job has those of
// Default.
type Bounds struct {
	Window      int // calls of one session in flight
	WindowBytes int // the same in bytes of batches
	BatchAim    int // bytes at which a worker closes a batch that gathers
	Tail        int // bytes of applied batches that a replica remembers
	TailAck     int // bytes of batches after which a replica says how far it is
	ApplyHold   int // bytes of batches that a replica applies before it lets readers in
	Armed       int // marks that a replica waits for
	Mergeable   int // calls of a batch that a later one may merge into
	Spare       int // batches whose storage is used again
	Posts       int // messages without an answer that wait to be written
	AckCalls    int // results of hosted calls after which the next call says that they have come
	AckBytes    int // the same in bytes

	LogMemory    int // bytes of batches in the log's memory
	LogOver      int // bytes more for a worker whose state is awaited
	LogEntries   int // batches in the log's memory
	WriteGather  int // bytes that one cursor takes for one write
	WriteEntries int // pieces of one write
	Outbox       int // control frames that wait on one connection
	Rivals       int // processes remembered that want a rank which another has
	Reread       int // mutations that a reader of the disk may be behind its cursor
}

// Default returns the bounds of a job, each of which has its reason at the constant of its name.
func Default() Bounds {
	return Bounds{
		Window: Window, WindowBytes: WindowBytes, BatchAim: BatchAim, Tail: Tail, TailAck: TailAck, ApplyHold: ApplyHold,
		Armed: Armed, Mergeable: Mergeable, Spare: Spare, Posts: Posts, AckCalls: AckCalls, AckBytes: AckBytes,
		LogMemory: LogMemory, LogOver: LogOver, LogEntries: LogEntries, WriteGather: WriteGather, WriteEntries: WriteEntries,
		Outbox: Outbox, Rivals: Rivals, Reread: Reread,
	}
}
