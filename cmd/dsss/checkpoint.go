package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/statedir"
	"dsss/checkpoint/wal"
	"dsss/inspect"
	"dsss/runtime/coordinator"
)

const checkpointLong = `Look at the checkpoints and the log of a job, without its program. DIR is a state directory; a job may be running in it.
Where a command takes a checkpoint, it is a checkpoint file, or a state directory for its newest one, or DIR@N for the one
at sequence number N.`

func checkpointCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "checkpoint",
		Short: "Look at the checkpoints and the log of a job",
		Long:  checkpointLong,
		Args:  verbs,
		RunE:  verbs,
	}
	c.AddCommand(listCommand(), verifyCommand(), showCommand(), diffCommand(), exportCommand(), acceptCommand())
	return c
}

// failure is an error that ends the command with 1, or with 2 where the request names what does not exist.
func failure(err error) error {
	if err == nil {
		return nil
	}
	code := 1
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, statedir.ErrNotStateDir) || errors.Is(err, errNoSuch) || errors.Is(err, inspect.ErrNoPlace) || errors.Is(err, inspect.ErrPath) {
		code = 2
	}
	return &exitError{code, err.Error()}
}

// errNoSuch: the request names something that is not there.
var errNoSuch = errors.New("look at what there is with 'dsss checkpoint ls' and 'dsss checkpoint show'")

// stateDirOf checks that dir holds a job.
func stateDirOf(dir string) (statedir.Job, error) {
	job, exists, err := statedir.Peek(dir)
	if err == nil && !exists {
		err = fmt.Errorf("%s holds no job: %s: %w", dir, nameOne, os.ErrNotExist)
	}
	if errors.Is(err, statedir.ErrNotStateDir) {
		err = fmt.Errorf("%w: %s", err, nameOne)
	}
	return job, err
}

const nameOne = "name the state directory of a job, such as ./NAME.dsss"

// checkpointFile finds the file that a checkpoint's name means.
func checkpointFile(name string) (string, error) {
	dir, number, numbered := cutLast(name, "@")
	if st, err := os.Stat(name); err == nil && !st.IsDir() {
		if !snapshot.IsName(name) {
			return "", fmt.Errorf("%s is no checkpoint, which has 20 digits and .db for a name: %w", name, errNoSuch)
		}
		return name, nil
	} else if err == nil {
		dir, numbered = name, false
	}
	if _, err := stateDirOf(dir); err != nil {
		return "", err
	}
	infos, err := statedir.StoreOf(dir).List()
	if err != nil {
		return "", err
	}
	if len(infos) == 0 {
		return "", fmt.Errorf("%s has no checkpoint: %w", dir, errNoSuch)
	}
	if !numbered {
		return infos[0].Path, nil
	}
	for _, i := range infos {
		if strconv.FormatUint(i.Seq, 10) == number {
			return i.Path, nil
		}
	}
	return "", fmt.Errorf("%s has no checkpoint at sequence number %s: %w", dir, number, errNoSuch)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// listing is what ls prints as JSON.
type listing struct {
	Job         statedir.Job `json:"job"`
	InUse       bool         `json:"in_use"`      // a coordinator runs the job now
	Checkpoints []listedFile `json:"checkpoints"` // newest first
	Log         []wal.Part   `json:"log"`         // segments, oldest first
}

type listedFile struct {
	Path     string    `json:"path"`
	Sequence uint64    `json:"sequence"`
	Bytes    int64     `json:"bytes"`
	Time     time.Time `json:"time"`
	Run      uint64    `json:"run"`
	Epoch    uint64    `json:"epoch"`
	Objects  int       `json:"objects"`           // -1 when its trailer cannot be read
	Refused  string    `json:"refused,omitempty"` // why it is not tried any more
}

func listed(i snapshot.Info) listedFile {
	return listedFile{Path: i.Path, Sequence: i.Seq, Bytes: i.Bytes, Time: i.Time, Run: i.Run, Epoch: i.Epoch, Objects: i.Objects, Refused: i.Refused}
}

func listCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "ls DIR",
		Short: "List the checkpoints and the log of a state directory",
		Args:  cobra.ExactArgs(1),

		ValidArgsFunction: each(completeStateDir),
		RunE: func(c *cobra.Command, args []string) error {
			l, err := list(args[0])
			if err != nil {
				return failure(err)
			}
			if asJSON {
				return failure(writeJSON(c.OutOrStdout(), l))
			}
			return failure(l.print(c.OutOrStdout()))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

func list(dir string) (l listing, err error) {
	if l.Job, err = stateDirOf(dir); err != nil {
		return l, err
	}
	infos, err := statedir.StoreOf(dir).List()
	if err != nil {
		return l, err
	}
	l.Checkpoints = []listedFile{}
	for _, i := range infos {
		l.Checkpoints = append(l.Checkpoints, listed(i))
	}
	if l.Log, err = statedir.Parts(dir); err != nil {
		return l, err
	}
	if l.Job.Status == statedir.Running {
		if l.InUse, err = statedir.InUse(dir); err != nil {
			return l, err
		}
	}
	return l, nil
}

func (l listing) print(w io.Writer) error {
	status := string(l.Job.Status)
	if l.Job.Status == statedir.Running && !l.InUse {
		status = "interrupted without a word; dsss run --resume goes on from it"
	}
	fmt.Fprintf(w, "job %s, program %s: %s, run %d, epoch %d, durability %s\n", l.Job.Name, l.Job.Program, status, l.Job.Run, l.Job.Epoch, l.Job.Durability)
	for _, v := range l.Job.Omitted {
		fmt.Fprintf(w, "left out: the mutation at sequence number %d, which panicked\n", v)
	}
	for _, s := range l.Job.Skips {
		fmt.Fprintf(w, "left out: %v, as dsss skip asked\n", s.Suspect)
	}
	for _, s := range l.Job.Suspects {
		if s.Noted() {
			fmt.Fprintf(w, "processes ended or hung in %v: dsss skip can leave it out\n", s)
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "sequence\ttime\tbytes\tobjects\trun\tepoch\tfile\t")
	for _, f := range l.Checkpoints {
		fmt.Fprintf(t, "%d\t%s\t%d\t%d\t%d\t%d\t%s\t%s\n", f.Sequence, f.Time.UTC().Format(time.RFC3339), f.Bytes, f.Objects, f.Run, f.Epoch, filepath.Base(f.Path), f.Refused)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var bytes int64
	for _, p := range l.Log {
		bytes += p.Bytes
	}
	if len(l.Log) > 0 {
		fmt.Fprintf(w, "log: %d segments from sequence number %d on, %d bytes\n", len(l.Log), l.Log[0].First, bytes)
	}
	return nil
}

func acceptCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "accept DIR",
		Short: "Take what is left in a state directory for the job's state",
		Long: `Take what is left in a state directory for the state of its job, where files are missing or older than its record says
they must be, and a resumed job is refused therefore. It says from where the next 'dsss run --resume' goes on, and what is
given up. A missing record, job.json, is made again. A copy of the whole directory, put back, is the better way where there
is one.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := os.Stat(args[0]); err != nil { // it must not be made
				return failure(fmt.Errorf("%s: %w: %s", args[0], os.ErrNotExist, nameOne))
			}
			err := coordinator.Accept(args[0], func(line string) { fmt.Fprintln(c.OutOrStdout(), line) })
			if errors.Is(err, statedir.ErrNotStateDir) {
				err = fmt.Errorf("%w: %s", err, nameOne)
			}
			return failure(err)
		},
	}
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify DIR|CHECKPOINT",
		Short: "Read checkpoints and log and say what is wrong with them",
		Args:  cobra.ExactArgs(1),

		ValidArgsFunction: each(completeCheckpoint),
		RunE: func(c *cobra.Command, args []string) error {
			wrong, err := verify(c.OutOrStdout(), args[0])
			if err != nil {
				return failure(err)
			}
			if wrong > 0 {
				return &exitError{1, fmt.Sprintf("found wrong: %d; what is sound can still be looked at and exported", wrong)}
			}
			return nil
		},
	}
}

// verify reads a checkpoint, or everything in a state directory, and prints a line for each file.
func verify(w io.Writer, name string) (wrong int, err error) {
	var files []string
	st, err := os.Stat(name)
	whole := err == nil && st.IsDir()
	if whole {
		l, err := list(name)
		if err != nil {
			return 0, err
		}
		for _, f := range l.Checkpoints {
			files = append(files, f.Path)
		}
	} else {
		file, err := checkpointFile(name)
		if err != nil {
			return 0, err
		}
		files = []string{file}
	}
	var reached uint64 // that what is sound leads to
	for _, f := range files {
		if info, err := snapshot.Verify(f); err != nil {
			wrong++
			fmt.Fprintf(w, "%s: %v\n", f, err)
		} else {
			reached = max(reached, info.Seq)
			fmt.Fprintf(w, "%s: sound\n", f)
		}
	}
	if !whole {
		return wrong, nil
	}
	return verifyLog(w, name, wrong, reached)
}

// verifyLog reads the log and says whether it leads as far as the record knows, from a checkpoint at base on.
func verifyLog(w io.Writer, dir string, wrong int, base uint64) (int, error) {
	job, err := stateDirOf(dir)
	if err != nil {
		return wrong, err
	}
	parts, err := statedir.Parts(dir)
	if err != nil {
		return wrong, err
	}
	reached, next := base, uint64(0)
	for i, p := range parts {
		end, torn, err := p.Verify(i == len(parts)-1)
		if err == nil && i > 0 && p.First != next {
			err = fmt.Errorf("what lies between sequence numbers %d and %d is missing", next, p.First)
		}
		if next = end; err == nil && (i > 0 || p.First <= base+1) {
			reached = max(reached, end-1)
		}
		switch {
		case err != nil:
			wrong++
			fmt.Fprintf(w, "%s: %v\n", p.Path, err)
		case torn > 0:
			fmt.Fprintf(w, "%s: sound but for %d bytes at its end, of an append under way or interrupted\n", p.Path, torn)
		default:
			fmt.Fprintf(w, "%s: sound\n", p.Path)
		}
	}
	err = statedir.CheckLog(dir, job)
	if at := job.Reached(); err == nil && reached < at {
		err = statedir.Incomplete(dir, "what is sound leads to sequence number %d, job.json knows that it led to %d", reached, at)
	}
	if err != nil {
		wrong++
		fmt.Fprintf(w, "%s: %v\n", dir, err)
	}
	return wrong, nil
}
