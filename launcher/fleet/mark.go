package fleet

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"time"

	"dsss/internal/launchenv"
	"dsss/internal/limits"
	"dsss/internal/machine"
)

// A run of the launcher marks its processes: each has launchenv.VarMark in its environment, and so has what they
// start, whatever group and session it goes to. What carries the mark is not always ours: a batch system starts
// what it was given with the environment of whoever submitted it. Two things tell those apart. Another batch job
// has another number in its environment. And what we started descends from the launcher: when processes between
// have died, it is the child of one of the launcher's ancestors, or of process 1; what a daemon started is the
// daemon's child.
type marked struct {
	entry []byte       // the variable, as it stands in an environment
	batch []string     // the variables that hold the number of the batch job, as they are here
	kin   map[int]bool // this process, its ancestors and process 1
}

// batchVars hold the number of the batch job in SLURM, PBS and Torque, LSF, Grid Engine, Flux and OAR.
var batchVars = []string{"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "FLUX_JOB_ID", "OAR_JOB_ID"}

func newMarked(mark string) marked {
	m := marked{entry: []byte(launchenv.VarMark + "=" + mark), kin: map[int]bool{1: true}}
	for _, name := range batchVars {
		m.batch = append(m.batch, os.Getenv(name))
	}
	for pid := os.Getpid(); pid > 0 && !m.kin[pid]; {
		m.kin[pid] = true
		s, _ := machine.Find(pid) // without it there is nobody above
		pid = s.Parent
	}
	return m
}

// kill kills all marked processes that are ours. They may start others meanwhile, one that executes another program
// shows no environment for a moment, and one whose parent ends has no other at once: so it looks until there was
// nothing left twice.
func (m marked) kill() {
	deadline := time.Now().Add(limits.KillWait)
	pause := time.NewTicker(limits.MarkedPause)
	defer pause.Stop()
	for clean := 0; clean < 2 && time.Now().Before(deadline); <-pause.C {
		clean++
		for _, pid := range m.find() {
			clean = 0
			m.end(pid)
		}
	}
}

// find lists the marked processes that are ours.
func (m marked) find() (ours []int) {
	parents := map[int]int{} // of those that carry the mark
	for _, s := range machine.Processes() {
		if m.on(s.PID) {
			parents[s.PID] = s.Parent
		}
	}
	for pid, top := range parents {
		for steps := 0; parents[top] != 0 && steps < len(parents); steps++ {
			top = parents[top]
		}
		if m.kin[top] {
			ours = append(ours, pid)
		}
	}
	return ours
}

// on tells whether a process carries the mark and is not of another batch job. One that has ended, or that we may not
// look at, does not.
func (m marked) on(pid int) bool {
	env := machine.Environ(pid)
	if !bytes.Contains(env, m.entry) {
		return false
	}
	has := false
	for entry := range bytes.SplitSeq(env, []byte{0}) {
		has = has || bytes.Equal(entry, m.entry)
		for i, name := range batchVars {
			number, ok := strings.CutPrefix(string(entry), name+"=")
			if ok && number != "" && number != m.batch[i] {
				return false
			}
		}
	}
	return has
}

// end kills a process if it carries the mark still: its number may be another's by now.
func (m marked) end(pid int) {
	p, err := os.FindProcess(pid)
	if err != nil {
		return
	}
	defer p.Release()
	if m.on(pid) {
		_ = p.Signal(syscall.SIGKILL) // gone already: all the better
	}
}
