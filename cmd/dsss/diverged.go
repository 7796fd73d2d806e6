package main

import (
	"fmt"

	"dsss/checkpoint/snapshot"
	"dsss/comm"
	"dsss/inspect"
)

// difference names the first difference between two checkpoints of one sequence number.
func difference(worker, keeper string) string {
	a, err := snapshot.Open(worker)
	if err != nil {
		return err.Error()
	}
	defer a.Close()
	b, err := snapshot.Open(keeper)
	if err != nil {
		return err.Error()
	}
	defer b.Close()
	return firstDifference(a, b)
}

func firstDifference(a, b *snapshot.Reader) string {
	if a.Meta().Seq != b.Meta().Seq {
		return fmt.Sprintf("the states are of sequence numbers %d and %d", a.Meta().Seq, b.Meta().Seq)
	}
	as, bs := a.Objects(), b.Objects()
	otherwise := "the digests differed, and the states do not any more"
	for i := range max(len(as), len(bs)) {
		switch {
		case i >= len(as):
			return fmt.Sprintf("object %q is missing", bs[i].Name)
		case i >= len(bs):
			return fmt.Sprintf("object %q is one too many", as[i].Name)
		case as[i].ID != bs[i].ID || as[i].Name != bs[i].Name || as[i].Class != bs[i].Class:
			return fmt.Sprintf("object %d is %q of class %s instead of %q of class %s", as[i].ID, as[i].Name, as[i].Class, bs[i].Name, bs[i].Class)
		}
		if same, err := samePieces(a, b, as[i].ID, as[i].ID); err != nil {
			return err.Error()
		} else if !same && as[i].Class == comm.ResultsName {
			otherwise = "what hosted calls returned differs" // the object that they changed says more
		} else if !same {
			return fmt.Sprintf("object %q of class %s differs%s", as[i].Name, as[i].Class, whereDiffers(bs[i].Schema, a, b, as[i].ID))
		}
	}
	return otherwise
}

// whereDiffers names the first field and key in which an object differs between the state of a worker, or the host, and the keeper's, as far as
// its schema tells.
func whereDiffers(schema string, worker, keeper *snapshot.Reader, id uint32) string {
	if schema == "" {
		return ""
	}
	a, stopA := inspect.Unpack(worker.Chunks(id))
	defer stopA()
	b, stopB := inspect.Unpack(keeper.Chunks(id))
	defer stopB()
	path, left, right, differ, err := inspect.FirstDifference(schema, a, b)
	if err != nil || !differ {
		return "" // a class written by hand: its schema is not one that inspect reads
	}
	return fmt.Sprintf(": %s is %s in its state and %s in the keeper's", path, left, right)
}
