package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dsss/checkpoint/snapshot"
	"dsss/comm"
	"dsss/inspect"
	"dsss/internal/setting"
)

// openCheckpoint opens the checkpoint that a name means.
func openCheckpoint(name string) (*snapshot.Reader, error) {
	file, err := checkpointFile(name)
	if err != nil {
		return nil, err
	}
	return snapshot.Open(file)
}

// ownObjects lists the objects of the program. What hosted calls returned is the runtime's.
func ownObjects(r *snapshot.Reader) []snapshot.Object {
	return slices.DeleteFunc(r.Objects(), func(o snapshot.Object) bool { return o.Class == comm.ResultsName })
}

// objectIn finds an object by what a path begins with, and returns the rest of the path.
func objectIn(r *snapshot.Reader, path string) (snapshot.Object, string, error) {
	best, found := snapshot.Object{}, false
	for _, o := range r.Objects() {
		rest, ok := strings.CutPrefix(path, o.Name)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') && (!found || len(o.Name) > len(best.Name)) {
			best, found = o, true
		}
	}
	if !found {
		return best, "", fmt.Errorf("no object is named %s: %w", path, errNoSuch)
	}
	return best, strings.TrimPrefix(path, best.Name), nil
}

// events yields an object's state. stop must be called.
func events(r *snapshot.Reader, o snapshot.Object) (_ iter.Seq2[inspect.Event, error], stop func(), err error) {
	schema, err := inspect.Parse(o.Schema)
	if err != nil {
		return nil, nil, fmt.Errorf("object %s: class %s was written by hand, so only its program can read it: %w", o.Name, o.Class, err)
	}
	chunks, stop := inspect.Unpack(r.Chunks(o.ID))
	return schema.Walk(chunks), stop, nil
}

func showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show CHECKPOINT [OBJECT[PATH]]",
		Short: "Show what a checkpoint holds",
		Long: `Show the objects of a checkpoint, or an object's fields, or what a path such as board.scores["w0"][3] leads to. Long
values are cut short; 'dsss checkpoint export' writes them whole. Objects that only keeper and host hold are hosted.`,
		Args: cobra.RangeArgs(1, 2),

		ValidArgsFunction: each(completeCheckpoint, completeObject),

		RunE: func(c *cobra.Command, args []string) error {
			r, err := openCheckpoint(args[0])
			if err != nil {
				return failure(err)
			}
			defer r.Close()
			if len(args) == 1 {
				return failure(showObjects(c.OutOrStdout(), r))
			}
			return failure(showState(c.OutOrStdout(), r, args[1]))
		},
	}
}

func showObjects(w io.Writer, r *snapshot.Reader) error {
	m := r.Meta()
	fmt.Fprintf(w, "job %s at sequence number %d, run %d, epoch %d, %d sessions\n", m.Job, m.Seq, m.Run, m.Epoch, len(m.Sessions))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "object\tclass\tbytes")
	for _, o := range r.Contents() {
		where := ""
		if o.Hosted {
			where = "\thosted"
		}
		fmt.Fprintf(t, "%s\t%s\t%d%s\n", o.Name, o.Class, o.Bytes, where)
	}
	return t.Flush()
}

// showState prints a line for each field of a struct, or one for anything else.
func showState(w io.Writer, r *snapshot.Reader, path string) error {
	o, rest, err := objectIn(r, path)
	if err != nil {
		return err
	}
	if o.Class == comm.ResultsName {
		i := slices.IndexFunc(r.Contents(), func(c snapshot.Content) bool { return c.ID == o.ID })
		fmt.Fprintf(w, "%d bytes of what hosted calls returned and their callers may not have yet\n", r.Contents()[i].Bytes)
		return nil
	}
	all, stop, err := events(r, o)
	if err != nil {
		return err
	}
	defer stop()
	next, stopPull := iter.Pull2(inspect.Pick(all, rest))
	defer stopPull()
	first, err, ok := next()
	if !ok || err != nil {
		return err
	}
	if first.Kind != inspect.Struct {
		line, err := inspect.Short(joined(first, next))
		fmt.Fprintln(w, line)
		return err
	}
	for {
		e, err, ok := next()
		if !ok || err != nil || e.Kind != inspect.Field {
			return err
		}
		line, err := inspect.Short(one(next))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: %s\n", e.Name, line)
	}
}

// one yields one value, whatever is behind it.
func one(next func() (inspect.Event, error, bool)) iter.Seq2[inspect.Event, error] {
	return func(yield func(inspect.Event, error) bool) {
		e, err, ok := next()
		if ok {
			values(e, err, next, yield)
		}
	}
}

// joined yields the value that first begins.
func joined(first inspect.Event, next func() (inspect.Event, error, bool)) iter.Seq2[inspect.Event, error] {
	return func(yield func(inspect.Event, error) bool) { values(first, nil, next, yield) }
}

// values yields e and what belongs to it, to the end even when the consumer has stopped.
func values(e inspect.Event, err error, next func() (inspect.Event, error, bool), yield func(inspect.Event, error) bool) {
	wanted := yield(e, err)
	for depth := depthOf(e); depth > 0 && err == nil; {
		var ok bool
		if e, err, ok = next(); !ok {
			return
		}
		wanted = wanted && yield(e, err)
		depth += depthOf(e)
	}
}

// depthOf is 1 for what begins something, -1 for an end.
func depthOf(e inspect.Event) int {
	switch e.Kind {
	case inspect.End:
		return -1
	case inspect.Null, inspect.Value, inspect.Values, inspect.Field, inspect.Key, inspect.Piece:
		return 0
	}
	return 1
}

func exportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export CHECKPOINT [OBJECT[PATH]]",
		Short: "Write states as JSON",
		Long: `Write the states of all objects of a checkpoint as one JSON object, by the objects' names, or that of one object, or
what a path in it leads to. It needs no more memory than a few MiB, however large the state is.

Numbers are exact: those that are beyond 2^53, and NaN and infinities, are strings. Bytes are base64, complex numbers
[re, im], matrices arrays of rows, what MarshalBinary wrote {"binary": TYPE, "base64": ...}.`,
		Args: cobra.RangeArgs(1, 2),

		ValidArgsFunction: each(completeCheckpoint, completeObject),

		RunE: func(c *cobra.Command, args []string) error {
			r, err := openCheckpoint(args[0])
			if err != nil {
				return failure(err)
			}
			defer r.Close()
			w := bufio.NewWriter(c.OutOrStdout())
			if len(args) == 2 {
				err = exportPath(w, r, args[1])
			} else {
				err = exportAll(w, r)
			}
			if err == nil {
				_, err = w.WriteString("\n")
			}
			if err == nil {
				err = w.Flush()
			}
			return failure(err)
		},
	}
}

func exportPath(w io.Writer, r *snapshot.Reader, path string) error {
	o, rest, err := objectIn(r, path)
	if err != nil {
		return err
	}
	all, stop, err := events(r, o)
	if err != nil {
		return err
	}
	defer stop()
	return inspect.JSON(w, inspect.Pick(all, rest))
}

func exportAll(w io.Writer, r *snapshot.Reader) error {
	between := "{"
	for _, o := range ownObjects(r) {
		if _, err := fmt.Fprintf(w, "%s%s:", between, quoted(o.Name)); err != nil {
			return err
		}
		between = ","
		if err := exportPath(w, r, o.Name); err != nil {
			return err
		}
	}
	if between == "{" {
		between = "{}"
	} else {
		between = "}"
	}
	_, err := io.WriteString(w, between)
	return err
}

func diffCommand() *cobra.Command {
	var most int
	c := &cobra.Command{
		Use:   "diff CHECKPOINT CHECKPOINT",
		Short: "Say in what two checkpoints differ",
		Long:  `Say in which objects, fields and keys two checkpoints differ. The exit code is 1 when they do, as diff(1)'s is.`,
		Args:  cobra.ExactArgs(2),

		ValidArgsFunction: each(completeCheckpoint, completeCheckpoint),

		RunE: func(c *cobra.Command, args []string) error {
			a, err := openCheckpoint(args[0])
			if err != nil {
				return failure(err)
			}
			defer a.Close()
			b, err := openCheckpoint(args[1])
			if err != nil {
				return failure(err)
			}
			defer b.Close()
			differ, err := diffAll(c.OutOrStdout(), a, b, most)
			if err == nil && differ {
				return &exitError{1, ""}
			}
			return failure(err)
		},
	}
	define(c.Flags(), "most", "", "20", "int", "differences of each object that are shown; all are counted", whole(&most, setting.Shown))
	choose(c, "most")
	return c
}

// diffAll compares the objects of two checkpoints, by name.
func diffAll(w io.Writer, a, b *snapshot.Reader, most int) (differ bool, err error) {
	others := map[string]snapshot.Object{}
	for _, o := range ownObjects(b) {
		others[o.Name] = o
	}
	for _, x := range ownObjects(a) {
		y, ok := others[x.Name]
		delete(others, x.Name)
		if !ok {
			differ = true
			fmt.Fprintf(w, "%s: only in the first\n", x.Name)
			continue
		}
		d, err := diffObject(w, a, b, x, y, most)
		if err != nil {
			return differ, err
		}
		differ = differ || d
	}
	for _, y := range ownObjects(b) {
		if _, only := others[y.Name]; only {
			differ = true
			fmt.Fprintf(w, "%s: only in the second\n", y.Name)
		}
	}
	return differ, nil
}

func diffObject(w io.Writer, a, b *snapshot.Reader, x, y snapshot.Object, most int) (differ bool, err error) {
	if x.Class == y.Class && x.Fingerprint == y.Fingerprint { // the state of a worker that diverged has no schema of its own
		x.Schema, y.Schema = cmp.Or(x.Schema, y.Schema), cmp.Or(y.Schema, x.Schema)
	}
	schemaX, errX := inspect.Parse(x.Schema)
	schemaY, errY := inspect.Parse(y.Schema)
	if errX != nil || errY != nil || x.Class != y.Class {
		same, err := samePieces(a, b, x.ID, y.ID)
		if err == nil && (!same || x.Class != y.Class) {
			fmt.Fprintf(w, "%s: differs, of class %s and %s\n", x.Name, x.Class, y.Class)
		}
		return !same || x.Class != y.Class, err
	}
	chunksX, stopX := inspect.Unpack(a.Chunks(x.ID))
	defer stopX()
	chunksY, stopY := inspect.Unpack(b.Chunks(y.ID))
	defer stopY()
	count := 0
	for d, err := range inspect.Differences(schemaX, schemaY, chunksX, chunksY) {
		if err != nil {
			return true, err
		}
		if count < most {
			fmt.Fprintf(w, "%s.%s: %s, then %s\n", x.Name, d.Path, d.Left, d.Right)
		}
		count += max(1, d.Count)
	}
	if count > most {
		fmt.Fprintf(w, "%s: %d differences in all\n", x.Name, count)
	}
	return count > 0, nil
}

// samePieces compares what is stored of two objects.
func samePieces(a, b *snapshot.Reader, x, y uint32) (bool, error) {
	next, stop := iter.Pull2(b.Chunks(y))
	defer stop()
	for p, err := range a.Chunks(x) {
		if err != nil {
			return false, err
		}
		q, err, ok := next()
		if err != nil || !ok || string(p) != string(q) {
			return false, err
		}
	}
	_, err, more := next()
	return !more, err
}

// quoted is a name as JSON has it.
func quoted(name string) []byte {
	b, _ := json.Marshal(name) // a string always encodes
	return b
}
