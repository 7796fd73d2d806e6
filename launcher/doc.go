// Package launcher runs one job on this machine: it starts the coordinator, the keeper, the workers and, when it is
// needed, the host, forwards their output and the signals that it gets, ends them together, and says why the job ended.
//
// # The way of a job
//
//	starting     the coordinator checks the state directory and says where it listens
//	joining      the keeper, which is the user's program once more, checks its arguments and joins
//	running      N workers
//	stopping     told to end: SIGTERM (SIGINT after Ctrl-C), after Config.Grace SIGKILL
//	finishing    the coordinator has the last checkpoint written
//	leaving      coordinator, keeper and host end
//
// The host, which is the program once more, too, is started when the coordinator says that a hosted object is used, and
// stays until the end. A job without hosted objects has none.
//
// What is wrong with the command line, the state directory or the program's own arguments shows before a worker has
// been started.
//
// # What dies while the job runs
//
// A coordinator that ends without its last word, or says nothing for Config.Silence and is killed, is replaced
// (takeover.go): the next one gets the same socket, so nobody's connection is refused meanwhile, and is told whom
// to wait for. Nothing on that way waits for a timer. Keeper and host are started again. Config.OnFailure says what follows
// from a worker's failure (rank.go). All of it is bounded (budget.go). Processes that depend on a coordinator's
// having heard of their predecessor's end are started once one is connected.
//
// Operators (operate.go) ask the coordinator for more workers or fewer, and it tells the launcher (resize.go). They find the
// job by a file in its state directory, which also says what became of what they asked for (access.go).
//
// # Processes
//
// All processes are started and ended through a fleet.Fleet, which names each by its incarnation: the launcher
// numbers every start of a process in a run, 1, 2, 3 …, and uses no number twice. A process says its number when it
// joins, so what the coordinator says of it counts for that start alone. Package fleet says how no process outlives
// the launcher.
package launcher
