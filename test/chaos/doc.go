// Package chaos runs real jobs under load, lets their processes, connections and disks fail in an order drawn from a
// seed, and checks what the workers were told against the state that is left.
//
//	job       one state directory: several runs of dsss run, each on another number of workers
//	run       one launcher, from its start until it finishes, is interrupted, is killed or has no disk
//	fault     one thing done to a run, at a moment of the plan
//	client    one goroutine of one worker process; its calls are numbered, or wait for one another
//	journal   what one worker process asked and what it was told, written before the next call: it can be read when the
//	          process was killed. What was asked and not told is unknown
//
// # What is checked
//
//   - A mutation that was acknowledged is in the final state once, at its place among those of its client; one that was
//     not is there at most once; one that ended with ErrResultLost is there once; one with ErrNotApplied is not there.
//   - Where a run ended in a way that its durability does not survive whole, what is missing is the end of the order,
//     and no more than is promised (see Checker).
//   - Every future has resolved once a worker is quiet, and says the same when it is asked again.
//   - The history of each register is linearizable (porcupine). A register is used for a moment, so histories are short.
//   - All this is so for the objects that every process holds and for a hosted one.
//   - The workers that end a job have the same state, and so has the one that loads the keeper's last checkpoint.
//   - After each fault every worker is acknowledged anew within limit, and no process outlives its run.
//
// # Where faults come from
//
// Processes are killed and stopped by signal. Connections between workers and coordinator run through Links, which
// refuse, hold and delay what passes. As root, some jobs have their workers in network namespaces whose links are taken
// down, and their state directory on a small file system that is filled.
//
// A plan is a pure function of its seed; when things happen between real processes is not.
package chaos
