package memfs

import "fmt"

// Kind says what an operation does.
type Kind int

// The operations. All but Read change the disk or what is certain about it.
const (
	Write Kind = iota
	Truncate
	Sync
	Create // of a file
	Mkdir
	Rename
	Remove
	SyncDir
	Allocate
	Read
)

func (k Kind) String() string {
	return [...]string{"write", "truncate", "sync", "create", "mkdir", "rename", "remove", "syncdir", "allocate", "read"}[k]
}

// Op is one operation as [Disk.Inject] sees it.
type Op struct {
	N    int    // operations before it, reads apart
	Kind Kind   // what it does
	Path string // the file, or the directory; of Rename the old name
	To   string // of Rename the new name
	Off  int64  // of Write and Read: where; of Truncate and Allocate: the size
	Len  int    // of Write and Read: how many bytes
}

func (o Op) String() string {
	switch o.Kind {
	case Write, Read:
		return fmt.Sprintf("%d %v %s %d+%d", o.N, o.Kind, o.Path, o.Off, o.Len)
	case Truncate, Allocate:
		return fmt.Sprintf("%d %v %s %d", o.N, o.Kind, o.Path, o.Off)
	case Rename:
		return fmt.Sprintf("%d %v %s %s", o.N, o.Kind, o.Path, o.To)
	}
	return fmt.Sprintf("%d %v %s", o.N, o.Kind, o.Path)
}

// Fault is what an injected failure does. The zero value is none.
type Fault struct {
	Err   error // what the operation returns; nil: it succeeds
	Short int   // of a failing Write: how many of its bytes arrive
}

// step is an operation as the disk's state takes it and as the trace keeps it.
// Files are known by number, because names change.
type step struct {
	n       int // its Op.N
	kind    Kind
	node    int // the file; of Create, Mkdir, Rename and Remove the directory
	child   int // what the name stands for
	name    string
	to      string
	off     int64
	data    []byte // never changed
	failed  bool   // a Sync or SyncDir that failed
	durable bool   // a sync has covered it
	doubted bool   // a sync has failed to: none ever will
	was     int64  // of Write: the size before it that is not in doubt; set by state.do
}

// Unit is the least of an operation that a crash leaves or loses.
type Unit struct {
	N    int    // Op.N of the operation
	Kind Kind   // Write, Truncate, Create, Mkdir, Rename or Remove
	Path string // as the operation named it
	// Size marks a file's growth, by Len bytes from Off on, apart from the
	// bytes that were written there.
	Size bool
	Off  int64 // of Write: where in the file
	Len  int   // of Write: how many bytes; else 1: all or nothing
}

func (u Unit) String() string {
	switch {
	case u.Size:
		return fmt.Sprintf("%d growth %s %d+%d", u.N, u.Path, u.Off, u.Len)
	case u.Kind == Write:
		return fmt.Sprintf("%d write %s %d+%d", u.N, u.Path, u.Off, u.Len)
	}
	return fmt.Sprintf("%d %v %s", u.N, u.Kind, u.Path)
}
