// Package limits names every bound of DSSS in one place, each with its reason.
//
// A queue, window, batch, frame, file or retry that has no line here is a defect.
// The package is a leaf: it imports nothing but time, and every other package may import it.
package limits

import "time"

// On the wire.
const (
	// Frame is the largest frame body. It bounds what a peer can make us buffer. 16 MiB leaves room for a batch of
	// one large argument.
	Frame = 16 << 20
	// HelloFrame is the largest body before the handshake is over: an unidentified peer gets no more than this. It has room for a
	// program's classes by name and about 25,000 ids of their fields, arguments and mutators.
	HelloFrame = 256 << 10
	// Batch is the largest sum of calls in one batch; one call's arguments may fill it.
	Batch = 15 << 20
	// Call is the largest call, its head included: it fits a batch together with those that gathered before it.
	Call = Batch - 2*BatchAim
	// BatchAim is where a worker closes a batch that gathers while the last one is written. Larger ones save
	// nothing and make others wait for the first call in them.
	BatchAim = 64 << 10
	// ReadBuffer is a connection's buffer at first: it takes what one read can bring from a busy peer.
	ReadBuffer = 128 << 10
	// WriteGather is how much one cursor takes from the log for one write: enough to amortise the call, little
	// enough to keep the kernel's socket buffers from being all that a slow peer sees.
	WriteGather = 256 << 10
	// WriteEntries bounds the pieces of one gathered write; writev takes 1024.
	WriteEntries = 512
	// TableDepth is how deep the tables of a buffer may be nested. Ours are a few levels deep; the bound stops the
	// recursion that a hostile buffer would drive.
	TableDepth = 64
	// Piece is how much state travels in one StateChunk, and stands in one record of a checkpoint.
	Piece = 1 << 20
	// Classes is how many classes a Hello may list.
	Classes = 1024
	// ProgressText is the longest progress line, in bytes: a terminal's width a few times over.
	ProgressText = 1 << 10
	// PanicRender is how long rendering the arguments of a mutator that panicked may take: it runs methods of the program,
	// which may be what is wrong.
	PanicRender = time.Second
	// PanicText is the longest part (arguments, stack) of a report of a mutator that panicked.
	PanicText = 64 << 10
)

// A worker's session.
const (
	// ResultAim is where what hosted calls of one batch returned is cut: larger messages save nothing.
	ResultAim = 256 << 10
	// ErrorText is the longest text of an error of a hosted call or getter, in bytes: those of calls are retained.
	ErrorText = 4 << 10
	// Retained is how many bytes of results the host keeps of one session that has not acknowledged them: a window's worth of results
	// of a kilobyte. Beyond it the oldest are lost, should they be needed again.
	Retained = 64 << 20
	// Queries is how many questions wait in the host for its replica to come as far as they ask for: some from each goroutine of each
	// worker, and a hundred bytes each.
	Queries = 1 << 16
	// AckCalls and AckBytes are how many results of hosted calls, or bytes of them, a session has got when its next call says so: one in
	// the order for many calls, and little for the host to keep meanwhile. A session that is idle says so at the next heartbeat.
	AckCalls = 64
	AckBytes = 64 << 10
	// Armed is how many marks a replica waits for at once: the coordinator orders one at a time, and some are lost with
	// a connection.
	Armed = 4
	// Mergeable is how many calls of a batch are tried when a later one may merge: as many bins of a histogram as are worth
	// a search.
	Mergeable = 64
	// Spare is how many batches that were applied are kept for their storage: one gathers while others are under way, and
	// more of 2*BatchAim each would be memory that nobody needs.
	Spare = 16
	// Posts is how many messages that need no answer (digests, reports of checkpoints) wait to be written: the coordinator
	// wants one at a time, and the oldest are of marks that it has given up.
	Posts = 16
	// Window is how many mutations of one session may be in flight; the next caller waits. It bounds the futures
	// and what must be resent after a reconnect, and is several round trips' worth on any network.
	Window = 16 << 10
	// WindowBytes bounds the same in bytes of batches.
	WindowBytes = 32 << 20
	// Tail is how many bytes of applied batches a replica remembers for a coordinator that takes over: as much as the last
	// one may have held in memory alone. Mostly it is far less, because coordinators say what is safe elsewhere.
	Tail = LogMemory + LogOver + Frame
	// TailSlab is the unit in which that storage is taken and given back.
	TailSlab = 1 << 20
	// TailAck is after how many bytes of batches a replica says how far it is, beyond its heartbeats.
	TailAck = 2 << 20
	// ApplyHold is how many bytes of batches a replica applies before it lets readers in again: about 100 µs.
	ApplyHold = 64 << 10
)

// The coordinator.
const (
	// LogMemory is how many bytes of batches the in-memory log keeps. A cursor that is further behind reads on from
	// disk, and durability memory begins to write there.
	LogMemory = 64 << 20
	// LogOver is how many bytes more it keeps from a worker whose state is awaited: what that may have in flight, which
	// comes before the state.
	LogOver = WindowBytes + Call
	// Reread is how many mutations a reader of the log on disk may be behind its cursor before it is closed: reading
	// that many again is cheaper than finding the place, and an open reader keeps a deleted segment's space.
	Reread = 1 << 18
	// LogSlab is the unit in which its memory is taken. Frames of a quarter or more have storage of their own.
	LogSlab = 1 << 20
	// LogEntries bounds the same in batches.
	LogEntries = 1 << 20
	// Outbox is how many control frames may wait on one connection; a peer that does not read them is cut off.
	Outbox = 1024
	// OutboxBytes is how much may wait there besides the last frame: results of hosted calls are large. It is as much as the host
	// retains of a session, which has them sent again when it comes back.
	OutboxBytes = Retained
	// DigestPieces is how many pieces of the state one audit digests: a worker applies nothing meanwhile, and 64 MiB
	// take it a few tens of milliseconds once a checkpoint.
	DigestPieces = 64
	// Handshakes is how many connections may be unidentified at once; one more takes the place of the oldest.
	Handshakes = 256
	// Events is how many events may wait for Control.
	Events = 4096
	// EarlyEvents is how many are kept for a Control that has not connected yet; a start has a handful.
	EarlyEvents = 64
	// Operators is how many Operators may be connected at once: people at terminals.
	Operators = 16
)

// When a checkpoint is due by itself.
const (
	// CheckpointFirst is when the first one comes whose cost is not known yet: early enough to learn it, late enough
	// that a job of a few seconds writes only its last.
	CheckpointFirst = 5 * time.Second
	// CheckpointLeast is the shortest interval, however cheap a checkpoint is: below it the files and their fsyncs would
	// cost others who share the file system.
	CheckpointLeast = time.Second
	// CheckpointMost is the longest: what was ordered since the last one is what a resumed job replays, and what the log
	// takes on disk.
	CheckpointMost = 10 * time.Minute
)

// Debugging.
const (
	// DebugState is the largest encoded state that a build for debugging digests before every call.
	DebugState = 64 << 10
	// DebugBytes is how many bytes of state a call is worth on average: a larger state is digested less often.
	DebugBytes = 256
)

// Time.
const (
	// Handshake is how long an unidentified peer has to say Hello.
	Handshake = 10 * time.Second
	// Heartbeat is the interval between signs of life on an idle connection.
	Heartbeat = time.Second
	// Silence is how long a peer may say nothing before the connection is given up. It is long because compute
	// nodes swap, pause in debuggers and lose links for seconds.
	Silence = 30 * time.Second
	// Reconnect is how long a worker tries to come back before its mutations in flight end as unconfirmed.
	Reconnect = 30 * time.Second
	// KeeperStuck is how long the keeper may take nothing: it does not while it writes a checkpoint. That it is alive it
	// says all the same.
	KeeperStuck = time.Hour
	// Awake is the most that one look at a clock adds to a time that is waited out: a process that was stopped, or a
	// machine that was suspended, finds out on its next looks what came meanwhile, before it gives anything up.
	Awake = 2 * Heartbeat
	// Dying is how long a state directory that is in use is asked for again: a killed owner keeps it until the kernel
	// has taken its last thread away.
	Dying = time.Second
	// Rejoin is how long a coordinator that takes over waits for those that live but do not come: one that is stopped
	// then counts as dead, and what only it knows is lost.
	Rejoin = 10 * time.Second
	// StableEvery is how often at most a coordinator says what replicas may forget: what gathers meanwhile costs them
	// a few megabytes.
	StableEvery = 50 * time.Millisecond
	// ReconnectPause is the first pause between two tries; it doubles up to Heartbeat.
	ReconnectPause = 5 * time.Millisecond
	// Patience is how long the keeper's cursor may let batches gather: nobody waits for the keeper, and fewer, bigger
	// pieces seldom come in a worker's way.
	Patience = 10 * time.Millisecond
	// Taken is how long a process whose rank another one has may try again: the launcher says that a process has ended
	// before it starts the next, and that word takes no longer.
	Taken = 2 * time.Second
	// Rivals is how many such processes are remembered: more than start by mistake.
	Rivals = 64
	// Drain is how long a connection may take to read what is left for it when the job ends.
	Drain = 5 * time.Second
	// LogInterval is the default for durability interval: what a power failure may cost at most.
	LogInterval = 50 * time.Millisecond
)

// The state directory, the log on disk and the checkpoint files. Sizes are in bytes.
const (
	// Name bounds the names of jobs, classes and objects: longer ones are mistakes, and error messages quote them.
	Name = 4 << 10
	// OwnerHeartbeat is how often the owner of a state directory on a network file system renews its owner file.
	OwnerHeartbeat = 5 * time.Second
	// OwnerStale is how old an owner file of another host must be before its owner counts as dead: six missed
	// heartbeats, more than the usual stall of a busy file server.
	OwnerStale = 30 * time.Second
	// Segment is the size at which the log starts a new segment: large enough that the fsyncs of a new segment do
	// not show, small enough that truncation after a checkpoint soon frees space.
	Segment = 64 << 20
	// SegmentMax bounds a configured segment size: a record refers to offsets in its segment with 32 bits, and the
	// last group may exceed the size.
	SegmentMax = 1 << 30
	// LogRecord bounds the data of one record of the log, hence what a reader allocates on the word of a length
	// field: any frame, four times over.
	LogRecord = 64 << 20
	// LogGroup bounds what one Append writes, hence its buffer: all that the in-memory log can hold.
	LogGroup = 256 << 20
	// LogBuffer is the largest write buffer the log keeps between appends, and how far a log reader reads ahead.
	LogBuffer = 1 << 20
	// Chunk bounds one chunk of an object's state in a checkpoint, hence what its decoder holds at once. Pieces are
	// far smaller; the room is for a hand-written class that does not split its state.
	Chunk = 64 << 20
	// Schema bounds the text that says how the states of a class are written: about 20,000 fields.
	Schema = 1 << 20
	// CheckpointStripes is how many MiB of a checkpoint in the making may wait to be written: enough to bridge the
	// disk's pauses, little beside the state that is being written.
	CheckpointStripes = 8
	// CheckpointReaders is how many stripes of a checkpoint are read and hashed at once: one waits for the disk while
	// the other hashes.
	CheckpointReaders = 2
	// CheckpointSessions bounds the session table of a checkpoint: sixteen bytes each, far more than a job has workers.
	CheckpointSessions = 1 << 20
	// CheckpointDepth bounds the page tree of a checkpoint file: one as large as a file system is not half as deep.
	CheckpointDepth = 32
)

// The launcher.
const (
	// Workers is how many workers one launcher starts: each costs it two pipes and three goroutines, two of which
	// hold a thread now and then; more on one machine is a slip of the finger.
	Workers = 1024
	// LauncherFiles and WorkerFiles are the descriptors that the launcher has open: for itself, and for each worker.
	LauncherFiles = 24
	WorkerFiles   = 3
	// LauncherSpace and WorkerSpace are the address space that the launcher takes, in bytes: what Go's runtime and the
	// stacks and arenas of a dozen threads reserve, and one more thread for each worker.
	LauncherSpace = 2 << 30
	WorkerSpace   = 10 << 20
	// JobThreads and WorkerThreads are the processes and threads of a job: of launcher, guard, coordinator and keeper,
	// and of each worker; on machines with more processors they are more.
	JobThreads    = 28
	WorkerThreads = 7
	// OutputLine is where an output line is cut into pieces, so that a worker that never ends one costs no more.
	OutputLine = 64 << 10
	// LastLines is how many last lines of a process's stderr are kept for the report of its end.
	LastLines = 5
	// LastLine is how much of each is kept.
	LastLine = 512
	// ReportLine bounds what others say in the report of a job's end, such as a mutator's arguments.
	ReportLine = 8 << 10
	// HeldOutput is how much stderr of a process is held back until it is known whether the job starts.
	HeldOutput = 64 << 10
	// Notices is how many of the launcher's own lines may wait for a terminal that takes nothing; more are counted
	// and left out, because the launcher must go on listening to signals.
	Notices = 1024
	// ReadyLine is the longest address that a coordinator may report.
	ReadyLine = 1 << 10
	// Signals is how many signals may wait for the launcher; nobody presses Ctrl-C faster.
	Signals = 16
	// ProgressEvery is how often one rank's progress is printed where there is no status line.
	ProgressEvery = 2 * time.Second
	// StatusEvery is how often the status line is redrawn at most.
	StatusEvery = 100 * time.Millisecond
	// Settle is how long the launcher waits, after a process has ended, for what others have to say about it: their
	// word takes another way.
	Settle = 2 * time.Second
	// Unread is when it is said that only a reader of the output is waited for, and how long the last words to one who
	// does not read are tried: a reader that is only slow takes less.
	Unread = time.Second
	// RefusalSettle is the same for a program that ends before it joins; most had nothing but a wrong argument, and
	// a person waits.
	RefusalSettle = 300 * time.Millisecond
	// ControlSilence is how long a coordinator may say nothing to the launcher before it counts as hung, is killed and
	// replaced: ten heartbeats. Both are on one machine, where nothing but a hang delays them so long, and the whole job
	// waits; links between nodes get longer (Silence).
	ControlSilence = 10 * time.Second
	// Recovery is how long a coordinator that takes over may need: to read the log behind the newest checkpoint, a few
	// gigabytes, and to hear from all who remember more.
	Recovery = 2 * time.Minute
	// RestartsInRow is how often a coordinator that does not recover the order, a keeper that writes no checkpoint, or a host that
	// does not join is started again: what ended three times for no reason of its own would be strange luck.
	RestartsInRow = 3
	// Restarts is how often within RestartWindow they are started again at most, even if they recover each time: a fault
	// that comes back every minute is one to look at.
	Restarts = 10
	// RestartWindow is the time that Restarts counts in.
	RestartWindow = 10 * time.Minute
	// Respawns is how often within RespawnWindow one rank is started again: with more, what it meets is in the program
	// or its data and will come again.
	Respawns = 5
	// RespawnWindow is the time that Respawns counts in.
	RespawnWindow = 10 * time.Minute
	// DeadlineLead is how long before a known deadline a checkpoint begins at least: batch systems are late or early by
	// seconds, and a file server may be busy with everybody who does the same.
	DeadlineLead = 30 * time.Second
	// DeadlineMargin is added to twice the time that the last checkpoint took.
	DeadlineMargin = 10 * time.Second
	// OperatorWait is how long a command such as dsss join waits until the launcher has begun what it asked for.
	OperatorWait = 10 * time.Second
	// AccessPoll is how often it looks.
	AccessPoll = 50 * time.Millisecond
	// PastProcesses is how many processes that were replaced the launcher remembers while their output is not read.
	PastProcesses = 64
	// Farewell is how long coordinator, keeper and host have to end once the job is over.
	Farewell = 10 * time.Second
	// KillWait is how long a killed process may take to disappear (the kernel may be writing its core, or waiting
	// for a file server) before the launcher reports it and goes on.
	KillWait = 10 * time.Second
	// StuckLook is how often it is looked at what the processes are applying.
	StuckLook = time.Second
	// Stuck is how long one mutator may run, or one reader may hold a replica, before that is said, and said again each
	// time that it has doubled: all processes wait for it, and most mutators take less than a millisecond.
	Stuck = 10 * time.Second
	// StuckLeast is how long the keeper may be in one mutator at the end of a job at least before the job ends without a
	// last checkpoint, however short --grace is.
	StuckLeast = 2 * time.Second
	// Suspects is how many mutations are remembered in whose middle processes ended: a job has one such mutation, or a fault
	// that strikes wherever it likes, of which the newest say enough.
	Suspects = 16
	// MarkedPause is the pause between two looks at all processes for those that a killed launcher has left: a process
	// that executes another program shows its environment again after less.
	MarkedPause = 10 * time.Millisecond
	// AdoptedEvery is how often processes that the launcher inherited from its children are collected.
	AdoptedEvery = 10 * time.Second
)

// States.
const (
	// ByValue is the largest array or struct, in bytes, that dsss-gen shares: generated code passes values, a few at a
	// time, and a stack has 1 GB.
	ByValue = 16 << 20
	// GrowFlat and GrowDeep are how many times as much room a loader makes as there are items already, when a state
	// claims that as many are to come: for items that have their wire size in memory, and for those that are larger. A
	// claim must cost its sender about what it costs us; larger steps save the loader copies.
	GrowFlat = 8
	GrowDeep = 2
)

// The determinism check.
const (
	// VetReasons is how many reasons are kept of one function: nobody reads more, and facts of every function travel
	// to all packages that import it.
	VetReasons = 16
)

// What a person may set. What lies beyond is a slip of the finger, and is refused.
const (
	// JobName bounds a job's name: a directory is called after it, and a file system takes 255 bytes.
	JobName = 200
	// Kept is how many checkpoints may be kept: each is the whole state once more.
	Kept = 1000
	// Shown is how many differences of an object may be printed: nobody reads more.
	Shown = 1 << 20
	// SettingLeast is the shortest interval between checkpoints that can be asked for; one takes about as long.
	SettingLeast = time.Millisecond
	// SettingMost is the longest time that can be asked for, ten years: no job lasts longer, and sums of such times do not
	// overflow.
	SettingMost = 10 * 365 * 24 * time.Hour
	// GraceMost is how long workers may be waited for: no batch system gives them a day.
	GraceMost = 24 * time.Hour
	// SilenceLeast is the least time after which a coordinator counts as hung: it is busy for less.
	SilenceLeast = 100 * time.Millisecond
	// OverheadLeast is the least share of time that checkpoints can be given: with less, none would be written for days.
	OverheadLeast = 0.0001
)
