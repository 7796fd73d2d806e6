// Package launcher runs one job on this machine: it starts the coordinator, the keeper and the workers, forwards
// their output and the signals that it gets, ends them together, and says why the job ended.
//
// # The way of a job
//
//	starting     the coordinator checks the state directory and says where it listens
//	joining      the keeper, which is the user's program once more, checks its arguments and joins
//	running      N workers
//	stopping     told to end: SIGTERM (SIGINT after Ctrl-C), after Config.Grace SIGKILL
//	finishing    the coordinator has the last checkpoint written
//	leaving      coordinator and keeper end
//
// What is wrong with the command line, the state directory or the program's own arguments shows before a worker has
// been started.
//
// # What dies while the job runs
//
// A coordinator that ends without its last word, or says nothing for Config.Silence and is killed, is replaced (takeover.go):
// the next one gets the same socket (socket.go), so nobody's connection is refused meanwhile, and is told whom to wait for. Nothing
// on that way waits for a timer. A keeper is started again. Config.OnFailure says what follows from a worker's failure
// (rank.go). All of it is bounded (budget.go). Processes that depend on a coordinator's having heard of their predecessor's
// end are started once one is connected.
//
// Operators (operate.go) ask the coordinator for more workers or fewer, and it tells the launcher (resize.go). They find the
// job by a file in its state directory, which also says what became of what they asked for (access.go).
//
// # No process outlives the launcher
//
// Four things together see to it, because each has a hole that another closes:
//
//   - Every child is in a process group of its own, which is killed when the child has ended, while its process id
//     cannot have been reused yet. This takes what a shell script started. It also keeps the terminal's Ctrl-C from
//     the children: the launcher decides what they get.
//   - The launcher is a subreaper (prctl(2), PR_SET_CHILD_SUBREAPER): what leaves its process group stays its
//     descendant, and is killed at the end.
//   - Every child has a parent-death signal (PR_SET_PDEATHSIG, SIGKILL), for when the launcher itself is killed.
//     The kernel ties it to the thread that forked, so all forks happen on one locked thread. It misses a parent that
//     died between fork and prctl; the child therefore compares its parent with the one expected (package syscall does).
//   - The lifeline (launchenv.WatchLifeline) is a pipe whose write end only the launcher holds. A program behind a
//     shell script gets no parent-death signal; it sees the lifeline end. And a guard, a process that does nothing
//     else, sees it too and kills the process groups that are left, whatever program they run, and what carries the
//     mark of this run in its environment (mark.go), whatever group and session it went to.
//
// What has left its group and has not the environment that it was given is missed when the launcher itself is killed with
// SIGKILL; nothing short of a control group or a process namespace would find it.
package launcher
