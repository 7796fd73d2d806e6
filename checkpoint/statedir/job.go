package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"dsss/checkpoint/internal/format"
	"dsss/checkpoint/wal"
	"dsss/internal/limits"
	"dsss/internal/vfs"
)

// Format is the version of the state directory as a whole, as job.json records it. It changes with the layout of any of
// its parts: see format_test.go. A directory of another is refused.
const Format = 7

// Status says how far a job has come.
type Status string

// The statuses of a job.
const (
	Running     Status = "running"     // a coordinator owns it, or died without a word
	Finished    Status = "finished"    // ended by itself
	Interrupted Status = "interrupted" // ended by a signal, after its last checkpoint
	Failed      Status = "failed"      // ended by its failure policy
)

// Job is the record of one job in its state directory.
type Job struct {
	Format     int       `json:"format"`     // set by PutJob
	Name       string    `json:"name"`       // the job's name; not empty
	Program    string    `json:"program"`    // what it runs
	Build      string    `json:"build"`      // SHA-256 digest of the program's file, in hexadecimal digits; may be empty
	Classes    []Class   `json:"classes"`    // the classes its state is made of
	Epoch      uint64    `json:"epoch"`      // coordinator incarnations so far
	Run        uint64    `json:"run"`        // launches on this directory so far
	Created    time.Time `json:"created"`    // first PutJob, when left zero
	Updated    time.Time `json:"updated"`    // set by PutJob
	Status     Status    `json:"status"`     // one of the constants above
	Durability string    `json:"durability"` // the durability it runs under
	Omitted    []uint64  `json:"omitted"`    // mutations that panicked: sequence numbers a resumed job leaves out
	Starts     []Start   `json:"starts"`     // the epochs of the present run, ascending
	Suspects   []Suspect `json:"suspects"`   // mutations that may be why processes ended or hung, the newest last
	Skips      []Skip    `json:"skips"`      // mutations that a person has a resumed job leave out

	// What is there, at least. It is written behind checkpoints, when a log
	// segment is full, and when a run ends, never before what it bounds is on
	// disk. What ends before it has lost files, or holds older ones.
	Log        wal.Bound       `json:"log"`
	Checkpoint CheckpointBound `json:"checkpoint"`
}

// CheckpointBound is a checkpoint that was written and verified. The state of the job reaches to it or further.
type CheckpointBound struct {
	Sequence uint64 `json:"sequence"` // 0: none was
	Sum      uint32 `json:"sum"`      // snapshot.Info.Sum
}

// Reached returns the sequence number to which checkpoints and log lead at least.
func (j *Job) Reached() uint64 { return max(j.Checkpoint.Sequence, max(j.Log.Next, 1)-1) }

// SuspectAt is how many processes that ended in the middle of one mutation make it the likely reason.
const SuspectAt = 2

// Suspect is a mutation in whose middle processes ended, or that did not end itself.
type Suspect struct {
	Sequence uint64 `json:"sequence"`
	Object   string `json:"object"`
	Class    string `json:"class"`
	Method   string `json:"method"`
	Count    int    `json:"count"`   // processes that ended in its middle, in all runs
	Endless  bool   `json:"endless"` // a run was ended while it did not
	Applied  bool   `json:"applied"` // some process has applied it
}

// Noted reports whether enough speaks against the mutation for a person to skip it.
func (s Suspect) Noted() bool { return s.Count >= SuspectAt || s.Endless }

// String is "main.Pool.Take on object "pool" (sequence number 17)".
func (s Suspect) String() string {
	return fmt.Sprintf("%s.%s on object %q (sequence number %d)", s.Class, s.Method, s.Object, s.Sequence)
}

// Skip is a mutation that a resumed job leaves out. Hash tells it from another that the log may hold at that number.
type Skip struct {
	Suspect
	Hash string `json:"hash"` // of its session, its request number and its call, in hexadecimal digits
}

// LeftOut returns the sequence numbers that replicas leave out.
func (j *Job) LeftOut() []uint64 {
	out := slices.Clone(j.Omitted)
	for _, s := range j.Skips {
		out = append(out, s.Sequence)
	}
	return out
}

// Start is where an epoch began: behind the sequence number Base. An epoch may stand twice, see package order.
type Start struct {
	Epoch uint64 `json:"epoch"`
	Base  uint64 `json:"base"`
}

// Class names a class of the job, the fingerprint of its methods and state, and what logs and checkpoints in the
// directory may hold of it.
type Class struct {
	Name        string
	Fingerprint uint64
	Known       []uint64 // what programs that ran here knew of it; only a program that knows all of that may go on
}

// The numbers have 16 hexadecimal digits: JSON numbers are exact to 53 bits only.
type classJSON struct {
	Name        string   `json:"name"`
	Fingerprint string   `json:"fingerprint"`
	Known       []string `json:"known"`
}

// MarshalJSON writes the numbers as 16 hexadecimal digits each.
func (c Class) MarshalJSON() ([]byte, error) {
	j := classJSON{c.Name, fmt.Sprintf("%016x", c.Fingerprint), make([]string, len(c.Known))}
	for i, k := range c.Known {
		j.Known[i] = fmt.Sprintf("%016x", k)
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *Class) UnmarshalJSON(b []byte) error {
	var j classJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	fp, err := strconv.ParseUint(j.Fingerprint, 16, 64)
	if err != nil {
		return fmt.Errorf("class %q: fingerprint %q is not hexadecimal", j.Name, j.Fingerprint)
	}
	*c = Class{Name: j.Name, Fingerprint: fp}
	for _, text := range j.Known {
		k, err := strconv.ParseUint(text, 16, 64)
		if err != nil {
			return fmt.Errorf("class %q: %q among what is known is not hexadecimal", j.Name, text)
		}
		c.Known = append(c.Known, k)
	}
	return nil
}

// validate names the field that cannot be stored.
func (j *Job) validate() error {
	switch {
	case j.Name == "":
		return errors.New("Job.Name is empty")
	case len(j.Name) > limits.Name:
		return fmt.Errorf("Job.Name has %d bytes: over the size limit of %d", len(j.Name), limits.Name)
	}
	switch j.Status {
	case Running, Finished, Interrupted, Failed:
		return nil
	}
	return fmt.Errorf("Job.Status %q is unknown", j.Status)
}

// readJob reads job.json in dir; false when there is none.
func readJob(fsys vfs.FS, dir string) (Job, bool, error) {
	path := filepath.Join(dir, jobFile)
	b, err := vfs.ReadFile(fsys, path)
	if errors.Is(err, fs.ErrNotExist) {
		return Job{}, false, nil
	}
	if err != nil {
		return Job{}, false, fmt.Errorf("read job record: %w", err)
	}
	damaged := func(err error) error {
		return fmt.Errorf("job record %s is damaged (%w): %s, without it", path, err, PutBack(dir))
	}
	var f struct{ Format int }
	if err := json.Unmarshal(b, &f); err != nil {
		return Job{}, false, damaged(err)
	}
	if f.Format != Format { // then the rest may be of other types
		return Job{}, false, format.Other("job record "+path, f.Format, Format)
	}
	var j Job
	err = json.Unmarshal(b, &j)
	if err == nil {
		err = j.validate()
	}
	if err != nil {
		return Job{}, false, damaged(err)
	}
	return j, true, nil
}
