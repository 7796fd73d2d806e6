// Package fleet starts, watches and ends the processes of a job. A Fleet is all that the launcher knows of
// processes: it names each by its incarnation, so processes of several nodes may have the same process id. Local is
// the fleet of this machine.
//
// # No process outlives the launcher
//
// Four things together see to it on one machine, because each has a hole that another closes (ties.go):
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
//     shell script gets no parent-death signal; it sees the lifeline end. And a guard (guard.go), a process that
//     does nothing else, sees the launcher's end too and kills the process groups that are left, whatever program
//     they run, and what carries the mark of this run in its environment (mark.go), whatever group and session it
//     went to.
//
// What has left its group and has not the environment that it was given is missed when the launcher itself is
// killed with SIGKILL; nothing short of a control group or a process namespace would find it.
package fleet
