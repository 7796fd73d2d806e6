package launcher

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"dsss/internal/machine"
	"dsss/internal/vfs"
)

// accessFile is the name of the file in the state directory of a running job that says how to reach it. Who can read
// it can join the job, so only its owner can.
const accessFile = "access"

// accessFormat is the version of the file.
const accessFormat = 4

// An Access says how to reach a running job, and who works in it.
type Access struct {
	Format   int          `json:"format"`
	StateDir string       `json:"state_dir"` // where the file was written, absolute
	Inode    uint64       `json:"inode"`     // of that directory: a copy of it has another
	Job      string       `json:"job"`
	Address  string       `json:"address"` // host:port of the coordinator
	Token    string       `json:"token"`   // in hexadecimal digits
	Node     string       `json:"node"`    // where the launcher runs, for people: two hosts may have one name
	Boot     string       `json:"boot"`    // of that host: machine.Boot
	Launcher int          `json:"launcher"`
	Birth    uint64       `json:"birth"` // of the launcher's process, in clock ticks after boot: an id may be reused
	PIDs     string       `json:"pids"`  // the process namespace that the ids are of
	Grown    int          `json:"grown"` // how often workers were added so far
	Ranks    []RankAccess `json:"ranks"` // those that have not ended, or failed as they were added; ascending
}

// A RankAccess is one worker of a running job.
type RankAccess struct {
	Rank    int  `json:"rank"`
	PID     int  `json:"pid"`
	Added   int  `json:"added"`   // Grown when it was; 0: from the beginning
	Joined  bool `json:"joined"`  // it has its replica
	Leaving bool `json:"leaving"` // it was told to leave
	Failed  bool `json:"failed"`  // it was added, but ended before it had joined
}

// find returns the entry of rank; nil when there is none that has not failed.
func (a *Access) find(rank int) *RankAccess {
	for i := range a.Ranks {
		if a.Ranks[i].Rank == rank && !a.Ranks[i].Failed {
			return &a.Ranks[i]
		}
	}
	return nil
}

// present lists the ranks that have not ended.
func (a *Access) present() []int {
	var out []int
	for _, r := range a.Ranks {
		if !r.Failed {
			out = append(out, r.Rank)
		}
	}
	return out
}

// readAccess reads the access file in a state directory. Errors name the directory and the next step.
func readAccess(stateDir string) (*Access, error) {
	b, err := os.ReadFile(filepath.Join(stateDir, accessFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("no running job in %s: name the state directory of one, as 'dsss run' says it at the end or --state-dir at the beginning", stateDir)
	case err != nil:
		return nil, usagef("the job in %s cannot be reached: %v: run this as the user who started it", stateDir, reason(err))
	}
	var a Access
	if err := json.Unmarshal(b, &a); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w: only the running job can write it anew", filepath.Join(stateDir, accessFile), err)
	}
	if a.Format != accessFormat {
		return nil, usagef("the job in %s was started by another version of dsss (access format %d, this is %d): use that one", stateDir, a.Format, accessFormat)
	}
	if inode := inodeOf(stateDir); inode != a.Inode {
		return nil, usagef("no running job in %s: it is a copy of %s, where the job runs: name that one", stateDir, a.StateDir)
	}
	if here, err := os.Hostname(); err == nil && a.Node != here {
		return nil, usagef("the job in %s runs on %s: run this there", stateDir, a.Node)
	}
	if a.Boot != machine.Boot() {
		return nil, usagef("no running job in %s: it ran on %s before that was started anew, or runs on another host of that name: run this there, or go on from it with 'dsss run --resume'", stateDir, a.Node)
	}
	if s, ok := machine.Find(a.Launcher); (!ok || s.Birth != a.Birth) && machine.OwnProc() && a.PIDs == machine.PIDNamespace() {
		return nil, usagef("no running job in %s: its launcher (pid %d) was killed; 'dsss run --resume' goes on from it", stateDir, a.Launcher)
	}
	return &a, nil
}

// inodeOf returns the number of a directory, or 0.
func inodeOf(dir string) uint64 {
	info, err := os.Stat(dir)
	if err != nil {
		return 0
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	return st.Ino
}

// A publisher keeps the access file up to date. It writes on a goroutine of its own, because the file system may be
// slow and the job must not wait for it; of several states in quick succession the last one counts.
type publisher struct {
	path  string
	inode uint64       // of the directory
	next  chan *Access // holds the newest that is not written yet
	wg    sync.WaitGroup
}

// newPublisher starts publishing in a state directory. What cannot be written is told to failed, once.
func newPublisher(stateDir string, failed func(error)) *publisher {
	p := &publisher{path: filepath.Join(stateDir, accessFile), inode: inodeOf(stateDir), next: make(chan *Access, 1)}
	p.wg.Go(func() {
		told := false
		for a := range p.next {
			if err := p.write(a); err != nil && !told {
				told = true
				failed(err)
			}
		}
		_ = os.Remove(p.path) // a file that stays names a launcher that is gone
	})
	return p
}

// write replaces the file, whole or not at all. Others may not read it at any moment.
func (p *publisher) write(a *Access) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return vfs.WriteFile(vfs.OSWith(0o600), p.path, append(b, '\n'))
}

// publish takes a newer state. One goroutine calls it, and not after close.
func (p *publisher) publish(a *Access) {
	select {
	case <-p.next:
	default:
	}
	p.next <- a
}

// close removes the file and waits for that.
func (p *publisher) close() {
	close(p.next)
	p.wg.Wait()
}

// publish says who works in the job, while it runs.
func (j *job) publish() {
	if j.phase != running {
		return
	}
	if j.access == nil {
		j.access = newPublisher(j.stateDir, func(err error) {
			j.after(0, func() { j.say("dsss join, leave and save will not find this job: %v", err) })
		})
	}
	self, _ := machine.Find(os.Getpid())
	a := &Access{Format: accessFormat, StateDir: j.stateDir, Inode: j.access.inode, Job: j.cfg.Name, Address: j.fleet.Address(), Token: hex.EncodeToString(j.token),
		Node: j.node, Boot: machine.Boot(), Launcher: os.Getpid(), Birth: self.Birth, PIDs: machine.PIDNamespace(), Grown: j.grown}
	for _, r := range j.ranks {
		failed := r.joiner && r.fate == lost
		if !r.fate.over() || failed {
			a.Ranks = append(a.Ranks, RankAccess{Rank: r.Rank, PID: r.pid, Added: r.added, Joined: r.joined, Leaving: r.fate == departing, Failed: failed})
		}
	}
	j.access.publish(a)
}

func (j *job) unpublish() {
	if j.access != nil {
		j.access.close()
	}
}
