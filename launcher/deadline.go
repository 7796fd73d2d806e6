package launcher

import (
	"math"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"dsss/internal/limits"
	"dsss/internal/machine"
	"dsss/internal/setting"
)

// A batch system ends a job at a time that is known from the beginning. A checkpoint just before it saves what the job
// has done since the last one.

// ParseDeadline reads the time at which the job will be ended: a time as in RFC 3339, or how long after now. Empty: what
// the batch system says in the environment, if it does; "none": there is no such time, and the result is zero. Errors
// wrap ErrUsage and say what is wanted.
func ParseDeadline(s string, now time.Time) (time.Time, error) {
	switch s {
	case "none":
		return time.Time{}, nil
	case "":
		return batchDeadline(os.Getenv, now), nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		d, err := time.ParseDuration(s)
		if err != nil {
			return time.Time{}, usagef("want a time such as 2026-11-23T18:00:00Z, a duration such as 1h30m, or none")
		}
		at = now.Add(d)
	}
	if wait := at.Sub(now); wait <= 0 || wait > limits.SettingMost {
		return time.Time{}, usagef("want a time in the future, at most %s ahead", setting.Span(limits.SettingMost))
	}
	return at, nil
}

// batchDeadline is when the batch system will end us; zero when it does not say. SLURM_JOB_END_TIME is in seconds of the
// Unix epoch (sbatch(1)), and PBS_WALLTIME in seconds from the beginning of the batch job (Torque), whose script leads our
// session.
func batchDeadline(getenv func(string) string, now time.Time) time.Time {
	var at time.Time
	if end, err := strconv.ParseInt(getenv("SLURM_JOB_END_TIME"), 10, 64); err == nil {
		at = time.Unix(end, 0)
	} else if wall, err := strconv.ParseInt(getenv("PBS_WALLTIME"), 10, 64); err == nil && wall < math.MaxInt64/int64(time.Second) {
		at = sessionBegan(now).Add(time.Duration(wall) * time.Second)
	}
	if !at.After(now) {
		return time.Time{} // it is about another job
	}
	return at
}

// sessionBegan is when the leader of our session was started, or now when that cannot be told.
func sessionBegan(now time.Time) time.Time {
	const ticks = 100 // a second, in proc_pid_stat(5)
	var up unix.Timespec
	leader, err := unix.Getsid(0)
	if err != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) != nil {
		return now
	}
	s, ok := machine.Find(leader)
	if !ok {
		return now
	}
	age := time.Duration(up.Nano()) - time.Duration(s.Birth)*time.Second/ticks
	return now.Add(-max(age, 0))
}

// lead is how long before the deadline the checkpoint begins, when the last one took that long.
func lead(last time.Duration) time.Duration {
	return max(limits.DeadlineLead, 2*min(last, time.Hour)+limits.DeadlineMargin)
}

// awaitDeadline has a checkpoint written before the deadline. It is called whenever it is known better how long one takes.
func (j *job) awaitDeadline() {
	if j.cfg.Deadline.IsZero() || j.warned || j.phase > running {
		return
	}
	j.alarms++
	alarm := j.alarms
	warn := func() {
		if alarm != j.alarms || j.phase != running {
			return
		}
		j.warned = true
		j.say("the deadline is in %v: writing a checkpoint", time.Until(j.cfg.Deadline).Round(time.Second))
		j.checkpoint()
	}
	// Deadlines come whether the launcher was stopped or not.
	time.AfterFunc(time.Until(j.cfg.Deadline)-lead(j.lastSave), func() { j.call(warn) })
}

// checkpoint has one written now, or as soon as there is a coordinator.
func (j *job) checkpoint() {
	j.due = j.control == nil
	if !j.due {
		_ = j.control.Checkpoint() // a broken connection shows as lost news
	}
}
