package memfs

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"dsss/internal/vfs"
)

// Disk is a file system in memory. Its methods may be called concurrently.
type Disk struct {
	mu     sync.Mutex
	state  *state // what is visible now, and what of it is durable
	ops    int    // operations so far, reads apart
	locks  map[string]bool
	inject func(Op) Fault
	limit  int64 // bytes of all files; 0: any

	base  *state // what trace began with; nil while there is none
	start int    // ops before the trace
	trace []step
	past  *state // after the first pastN operations, where at was last
	pastN int
}

var _ vfs.FS = (*Disk)(nil)

// New returns an empty disk.
func New() *Disk { return &Disk{state: newState(), locks: make(map[string]bool)} }

// Trace keeps every operation from now on, so that Units and Crash can go back
// to any of them. Without it the disk keeps only what is not durable.
func (d *Disk) Trace() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.base, d.start, d.trace, d.past = d.state.clone(), d.ops, nil, nil
}

// Ops returns how many operations there have been, reads apart.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

// Inject has f asked before every operation, reads included, what to do to it.
// f must not use the disk. Nil ends it.
func (d *Disk) Inject(f func(Op) Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inject = f
}

// Limit bounds the bytes of all files together: what exceeds it fails with
// ENOSPC, a write after the bytes that fit. Zero lifts the bound.
func (d *Disk) Limit(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limit = bytes
}

// Kill ends every lock, as the death of the processes that hold them does.
func (d *Disk) Kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.locks)
}

// at returns a copy of the state after the first n operations. mu is held.
func (d *Disk) at(n int) *state {
	if n == d.ops {
		return d.state.clone()
	}
	if d.base == nil || n < d.start || n > d.ops {
		panic("memfs: an operation outside the trace was asked for")
	}
	if d.past == nil || d.pastN > n {
		d.past, d.pastN = d.base.clone(), d.start
	}
	from, _ := slices.BinarySearchFunc(d.trace, d.pastN, func(st step, n int) int { return st.n - n })
	for _, st := range d.trace[from:] {
		if st.n >= n {
			break
		}
		d.past.do(st)
	}
	d.pastN = n
	return d.past.clone()
}

// do counts an operation and makes it so, unless a fault is injected that
// leaves nothing of it. mu is held.
func (d *Disk) do(op Op, st step) error {
	op.N = d.ops
	var fault Fault
	if d.inject != nil {
		fault = d.inject(op)
	}
	if fault.Err == nil {
		fault = d.room(op, st)
	}
	st.n, st.kind = op.N, op.Kind
	d.ops++
	if fault.Err != nil {
		switch op.Kind {
		case Write:
			st.data = st.data[:min(fault.Short, len(st.data))]
			if len(st.data) == 0 {
				return fault.Err
			}
		case Sync, SyncDir:
			st.failed = true
		default:
			return fault.Err
		}
	}
	d.state.do(st)
	if d.base != nil {
		d.trace = append(d.trace, st)
	}
	return fault.Err
}

// room fails what does not fit the disk. mu is held.
func (d *Disk) room(op Op, st step) Fault {
	if d.limit == 0 || op.Kind != Write && op.Kind != Allocate {
		return Fault{}
	}
	used := int64(0)
	for _, n := range d.reachable() {
		used += max(int64(len(n.data)), n.reserved)
	}
	n := d.state.nodes[st.node]
	has, wants := max(int64(len(n.data)), n.reserved), st.off+int64(len(st.data))
	if over := used + wants - has - d.limit; wants > has && over > 0 {
		return Fault{Err: syscall.ENOSPC, Short: max(0, len(st.data)-int(over))}
	}
	return Fault{}
}

// reachable lists the files that have a name. mu is held.
func (d *Disk) reachable() []*node {
	var files []*node
	for _, n := range d.state.nodes {
		for _, child := range n.names {
			if c := d.state.nodes[child]; !c.dir {
				files = append(files, c)
			}
		}
	}
	return files
}

func join(dir, name string) string { return filepath.Join(dir, name) }

// find returns the number of what path names. mu is held.
func (d *Disk) find(path string) (int, error) {
	at := 0
	for _, name := range strings.Split(strings.Trim(filepath.Clean("/"+path), "/"), "/") {
		if name == "" {
			continue
		}
		n := d.state.nodes[at]
		if !n.dir {
			return 0, syscall.ENOTDIR
		}
		child, ok := n.names[name]
		if !ok {
			return 0, syscall.ENOENT
		}
		at = child
	}
	return at, nil
}

// findDir returns the number of the directory that holds path.
func (d *Disk) findDir(path string) (int, error) {
	dir, err := d.find(filepath.Dir(path))
	if err == nil && !d.state.nodes[dir].dir {
		err = syscall.ENOTDIR
	}
	return dir, err
}

func failed(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// OpenFile opens or creates a file.
func (d *Disk) OpenFile(path string, flag int) (vfs.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	number, err := d.find(path)
	switch {
	case err == syscall.ENOENT && flag&os.O_CREATE != 0:
		dir, err := d.findDir(path)
		if err != nil {
			return nil, failed("open", path, err)
		}
		number = len(d.state.nodes)
		if err := d.do(Op{Kind: Create, Path: path}, step{node: dir, child: number, name: filepath.Base(path)}); err != nil {
			return nil, failed("open", path, err)
		}
	case err != nil:
		return nil, failed("open", path, err)
	case d.state.nodes[number].dir:
		return nil, failed("open", path, syscall.EISDIR)
	case flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		return nil, failed("open", path, syscall.EEXIST)
	case flag&os.O_TRUNC != 0 && len(d.state.nodes[number].data) > 0:
		if err := d.do(Op{Kind: Truncate, Path: path}, step{node: number}); err != nil {
			return nil, failed("open", path, err)
		}
	}
	return &file{disk: d, number: number, path: path, write: flag&(os.O_WRONLY|os.O_RDWR) != 0}, nil
}

// Mkdir makes a directory.
func (d *Disk) Mkdir(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.find(path); err == nil {
		return failed("mkdir", path, syscall.EEXIST)
	}
	dir, err := d.findDir(path)
	if err == nil {
		err = d.do(Op{Kind: Mkdir, Path: path}, step{node: dir, child: len(d.state.nodes), name: filepath.Base(path)})
	}
	return failed("mkdir", path, err)
}

// Rename renames a file within its directory.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := func() error {
		child, err := d.find(from)
		if err != nil {
			return err
		}
		dir, err := d.findDir(from)
		if err != nil {
			return err
		}
		if filepath.Dir(from) != filepath.Dir(to) {
			return syscall.EXDEV // nobody here needs it, and its two directories would be two units
		}
		return d.do(Op{Kind: Rename, Path: from, To: to}, step{node: dir, child: child, name: filepath.Base(from), to: filepath.Base(to)})
	}()
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// Remove removes a file or an empty directory. Files that are open stay readable.
func (d *Disk) Remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	child, err := d.find(path)
	if err != nil {
		return failed("remove", path, err)
	}
	if len(d.state.nodes[child].names) > 0 {
		return failed("remove", path, syscall.ENOTEMPTY)
	}
	dir, err := d.findDir(path)
	if err == nil {
		err = d.do(Op{Kind: Remove, Path: path}, step{node: dir, child: child, name: filepath.Base(path)})
	}
	return failed("remove", path, err)
}

// SyncDir makes the names in a directory durable.
func (d *Disk) SyncDir(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, err := d.find(path)
	if err == nil && !d.state.nodes[dir].dir {
		err = syscall.ENOTDIR
	}
	if err == nil {
		err = d.do(Op{Kind: SyncDir, Path: path}, step{node: dir})
	}
	return failed("sync", path, err)
}

// ReadDir returns the names in a directory, ascending.
func (d *Disk) ReadDir(path string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir, err := d.find(path)
	if err == nil && !d.state.nodes[dir].dir {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, failed("readdir", path, err)
	}
	names := make([]string, 0, len(d.state.nodes[dir].names))
	for name := range d.state.nodes[dir].names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// Stat describes a file or a directory.
func (d *Disk) Stat(path string) (fs.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	number, err := d.find(path)
	if err != nil {
		return nil, failed("stat", path, err)
	}
	n := d.state.nodes[number]
	return info{filepath.Base(path), int64(len(n.data)), n.dir}, nil
}

type info struct {
	name string
	size int64
	dir  bool
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) IsDir() bool        { return i.dir }
func (i info) ModTime() time.Time { return time.Unix(0, 0).UTC() }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o777
	}
	return 0o666
}

// Lock locks a directory.
func (d *Disk) Lock(path string) (io.Closer, error) {
	if _, err := d.Stat(path); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	path = filepath.Clean(path)
	if d.locks[path] {
		return nil, failed("lock", path, vfs.ErrLocked)
	}
	d.locks[path] = true
	return &lock{disk: d, path: path}, nil
}

type lock struct {
	disk *Disk
	path string
	done bool
}

func (l *lock) Close() error {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	if !l.done {
		l.done = true
		delete(l.disk.locks, l.path)
	}
	return nil
}

// Remote returns false: the disk is nobody else's.
func (d *Disk) Remote(string) (bool, error) { return false, nil }
