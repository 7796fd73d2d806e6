package launcher

import (
	"fmt"
	"strings"
	"syscall"

	"dsss/internal/limits"
)

// onGrow starts count more workers, on ranks that are free: those of workers that are lost or have left, then new ones.
func (j *job) onGrow(count int) {
	if j.phase != running {
		j.say("%d more workers were asked for, but the job is ending", count)
		return
	}
	j.grown++
	for range count {
		n := j.freeRank()
		if n >= limits.Workers {
			j.say("no more workers: at most %d can be started on one machine", limits.Workers)
			break
		}
		if err := j.startRank(n); err != nil {
			j.say("rank %d could not be started: %v", n, err)
			break
		}
		j.ranks[n].joiner, j.ranks[n].added = true, j.grown
		j.say("rank %d started as pid %d, as dsss join asked", n, j.ranks[n].pid)
	}
	j.publish()
}

// freeRank returns the lowest rank that nobody fills. One that finished has done its part and is not filled again.
func (j *job) freeRank() int {
	for n, r := range j.ranks {
		if r.fate == lost || r.fate == left {
			return n
		}
	}
	return len(j.ranks)
}

// onShrink tells a worker to leave.
func (j *job) onShrink(n int) {
	switch {
	case j.phase != running:
		j.say("rank %d was asked to leave, but the job is ending", n)
	case n < 0 || n >= len(j.ranks) || j.ranks[n].fate.over():
		j.say("rank %d was asked to leave, but does not exist: the job has %s", n, ranksText(j.present()))
	case j.ranks[n].fate == departing:
	case j.ranks[n].exit != nil: // it was to be started again, or to be judged
		j.ranks[n].fate = left
		j.say("rank %d has left, as dsss leave asked", n)
		j.workersDone()
	default:
		r := j.ranks[n]
		r.fate = departing
		p := r.process
		j.tell(syscall.SIGTERM, p)
		j.after(j.cfg.Grace, func() { j.kill(p) })
	}
	j.publish()
}

// present lists the ranks that have not ended.
func (j *job) present() []int {
	var out []int
	for n, r := range j.ranks {
		if !r.fate.over() {
			out = append(out, n)
		}
	}
	return out
}

// ranksText renders an ascending list of ranks, such as "ranks 0 to 3, 5".
func ranksText(ranks []int) string {
	if len(ranks) == 0 {
		return "no ranks"
	}
	var parts []string
	for i := 0; i < len(ranks); {
		end := i
		for end+1 < len(ranks) && ranks[end+1] == ranks[end]+1 {
			end++
		}
		if end > i+1 {
			parts = append(parts, fmt.Sprintf("%d to %d", ranks[i], ranks[end]))
			i = end + 1
			continue
		}
		parts = append(parts, fmt.Sprint(ranks[i]))
		i++
	}
	if len(ranks) == 1 {
		return "rank " + parts[0]
	}
	return "ranks " + strings.Join(parts, ", ")
}
