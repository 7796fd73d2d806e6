package chaos

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"dsss/internal/outfile"
)

// Config says with what jobs are run.
type Config struct {
	// Command is the path of dsss.
	Command string
	// Program is the command of the workers: it calls Program when VarProgram is set.
	Program []string
	// Dir takes a directory for each job. It must exist.
	Dir string
	// Spaces has a network namespace for each of mostWorkers ranks. Needed for plans that say so.
	Spaces *Spaces
}

// A job is one state directory and the runs on it.
type job struct {
	cfg      Config
	plan     JobPlan
	dir      string // our files
	stateDir string
	env      []string
	links    []*Link // by rank
	disk     *SmallDisk
	watch    *watch
}

// Run runs a job as planned, checks it, and adds what was seen to total. An error says what does not hold; the job's
// directory is then kept. It ends every process that it started, unless one cannot be killed.
func Run(cfg Config, name string, plan JobPlan, total *Total) error {
	j := &job{cfg: cfg, plan: plan, dir: filepath.Join(cfg.Dir, name)}
	err := j.prepare()
	if err == nil {
		err = j.run(total)
	}
	err = errors.Join(err, j.cleanUp())
	if err != nil {
		return fmt.Errorf("job %s in %s (%v): %w", name, j.dir, plan, err)
	}
	return os.RemoveAll(j.dir)
}

func (j *job) prepare() error {
	j.stateDir = filepath.Join(j.dir, "disk", "state")
	for _, d := range []string{filepath.Join(j.dir, journalDir), filepath.Dir(j.stateDir)} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	j.watch = newWatch(j.dir)
	if j.plan.SmallDisk {
		var err error
		if j.disk, err = NewSmallDisk(filepath.Dir(j.stateDir)); err != nil {
			return err
		}
	}
	var addrs []string
	for rank := range mostWorkers {
		host := "127.0.0.1"
		if j.plan.Spaces {
			host = j.cfg.Spaces.Addr(rank)
		}
		l, err := NewLink(host+":0", fileTarget(filepath.Join(j.dir, coordinatorFile)))
		if err != nil {
			return err
		}
		j.links = append(j.links, l)
		addrs = append(addrs, l.Addr())
	}
	j.env = append(os.Environ(), VarProgram+"="+j.dir, VarLinks+"="+strings.Join(addrs, ","), "GORACE=atexit_sleep_ms=0")
	if j.plan.Spaces {
		j.env = append(j.env, varSpace+"="+j.cfg.Spaces.prefix)
	}
	return j.phase(phaseLoad)
}

// phase tells the workers what to do.
func (j *job) phase(p string) error { return outfile.Write(filepath.Join(j.dir, phaseFile), []byte(p)) }

func (j *job) cleanUp() error {
	for _, l := range j.links {
		l.Close()
	}
	if j.disk != nil {
		return j.disk.Close()
	}
	return nil
}

// run runs all runs, then one that tells what the last checkpoint holds, and checks.
func (j *job) run(total *Total) error {
	var runs []*run
	var states map[string]string
	for i, plan := range j.plan.Runs {
		r, err := j.one(uint64(i+1), plan, &states)
		if r != nil {
			runs = append(runs, r)
		}
		if err != nil {
			return err
		}
	}
	last, err := j.lastState(uint64(len(j.plan.Runs) + 1))
	if err != nil {
		return err
	}
	states["the keeper's last checkpoint"] = last
	state, err := sameState(states)
	if err != nil {
		return err
	}
	return (&Checker{plan: j.plan, runs: runs, logs: j.watch.logs, state: state}).check(total)
}

// one runs one run. It returns with the run's processes gone.
func (j *job) one(number uint64, plan RunPlan, states *map[string]string) (*run, error) {
	if j.disk != nil && plan.End.Kind == Fill {
		if err := j.disk.Fill(almostFull); err != nil {
			return nil, err
		}
	}
	r, err := j.start(number, plan)
	if err != nil {
		return nil, err
	}
	if err = r.well(); err == nil {
		err = r.live()
	}
	if err == nil && plan.End.Kind != "" || r.full() {
		err = r.stop()
	}
	r.calm()
	if err == nil && plan.End.Kind == "" {
		*states, err = r.finish()
	}
	if err != nil {
		_ = r.cmd.Process.Kill() // it may have ended
		return r, errors.Join(err, r.wait())
	}
	if j.disk != nil {
		err = j.disk.Free()
	}
	return r, err
}

// almostFull is how much room a run begins with whose disk will be full: too little to reserve room for the log ahead.
const almostFull = 48 << 20

// lastState resumes the job on one worker, which writes its state down and leaves.
func (j *job) lastState(number uint64) (string, error) {
	r, err := j.start(number, RunPlan{Workers: 1})
	if err != nil {
		return "", err
	}
	states, err := r.tell(1)
	if err != nil {
		_ = r.cmd.Process.Kill() // it may have ended
		return "", errors.Join(err, r.wait())
	}
	for _, s := range states {
		return s, nil
	}
	return "", errors.New("no state")
}

// sameState returns the state that all states are, by who has it.
func sameState(states map[string]string) (string, error) {
	var first, text string
	for who, s := range states {
		if first == "" {
			first, text = who, s
		}
		if s == text {
			continue
		}
		a, b := strings.Split(text, "\n"), strings.Split(s, "\n")
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				return "", fmt.Errorf("the states of %s and %s differ: %q and %q", first, who, a[i], b[i])
			}
		}
		return "", fmt.Errorf("the states of %s and %s differ: %d and %d lines", first, who, len(a), len(b))
	}
	return text, nil
}

// parseState reads a dump.
func parseState(text string) (lists map[int64]list, registers map[int64]int64, err error) {
	lists, registers = map[int64]list{}, map[int64]int64{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		bad := fmt.Errorf("state: %q", line)
		if len(f) < 3 {
			return nil, nil, bad
		}
		id, err1 := strconv.ParseInt(f[1], 10, 64)
		n, err2 := strconv.ParseInt(f[2], 10, 64)
		if err1 != nil || err2 != nil {
			return nil, nil, bad
		}
		switch f[0] {
		case "register":
			registers[id] = n
		case "list":
			own := list{length: n}
			for _, part := range f[3:] {
				var s span
				if n, err := fmt.Sscanf(part, "%d-%d", &s.first, &s.last); n != 2 || err != nil {
					return nil, nil, bad
				}
				own.spans = append(own.spans, s)
			}
			lists[id] = own
		default:
			return nil, nil, bad
		}
	}
	return lists, registers, nil
}
