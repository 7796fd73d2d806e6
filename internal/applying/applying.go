// Package applying is the memory in which a process of a job shows which mutation it is applying. The launcher made that
// memory and holds it, so what it shows outlives the process, however that ends: by os.Exit, by a signal, by a fatal
// error of the Go runtime. Showing it costs plain stores and no system call.
package applying

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"dsss/internal/launchenv"
)

// A Phase says what a process is doing to its replica.
type Phase uint64

// The phases.
const (
	Idle     Phase = iota // nothing: no mutation has come, or none is in the user's hands
	Applying              // it is in a mutator
	Waiting               // a mutation waits for a reader of this process to give the replica back
)

// phaseBits is how many bits of Slot.state are the phase.
const phaseBits = 2

// slotSize is a slot's size in bytes.
const slotSize = 512

// name is how many bytes of each name a slot holds.
const name = 160

// A Slot shows what one process is applying. The process's one writer of its replica writes it with plain stores, which
// its memory takes in order (on processors that reorder stores, a look at a living process may be wrong now and then, one
// at a dead process is right). The zero value is Idle.
type Slot struct {
	state   uint64 // sequence number << phaseBits | phase
	applied uint64 // last sequence number of the last batch that was applied whole
	asked   uint64 // how often stacks were asked for
	lengths [3]uint8
	_       [5]byte
	names   [3][name]byte
}

var _ [slotSize]byte = [unsafe.Sizeof(Slot{})]byte{}

// Object says of what the next calls are. A name is cut where it is too long.
func (s *Slot) Object(object, class string) {
	s.lengths[0] = uint8(copy(s.names[0][:], object))
	s.lengths[1] = uint8(copy(s.names[1][:], class))
}

// Method says of which mutator the next calls are.
func (s *Slot) Method(method string) { s.lengths[2] = uint8(copy(s.names[2][:], method)) }

// Enter says that the mutation at seq is in the user's hands from now on.
func (s *Slot) Enter(seq uint64) { s.state = seq<<phaseBits | uint64(Applying) }

// Wait says that the mutation at seq waits for readers from now on.
func (s *Slot) Wait(seq uint64) { s.state = seq<<phaseBits | uint64(Waiting) }

// Leave says that nothing is in the user's hands any more.
func (s *Slot) Leave() { s.state = 0 }

// Applied says that everything up to seq has been applied.
func (s *Slot) Applied(seq uint64) { s.applied = seq }

// Ask wants the process to print where its goroutines are.
func (s *Slot) Ask() { atomic.AddUint64(&s.asked, 1) }

// Asked returns how often it was asked.
func (s *Slot) Asked() uint64 { return atomic.LoadUint64(&s.asked) }

// Clear makes the slot ready for the next process.
func (s *Slot) Clear() { *s = Slot{} }

// A Call is what a slot shows. Two of one call are equal.
type Call struct {
	Phase                 Phase
	Sequence              uint64
	Object, Class, Method string // of phase Applying
}

// Look returns what the slot shows.
func (s *Slot) Look() Call {
	state := atomic.LoadUint64(&s.state)
	c := Call{Phase: Phase(state & (1<<phaseBits - 1)), Sequence: state >> phaseBits}
	if c.Phase == Applying {
		c.Object, c.Class, c.Method = s.text(0), s.text(1), s.text(2)
	}
	if atomic.LoadUint64(&s.state) != state {
		return Call{} // it goes on
	}
	return c
}

func (s *Slot) text(i int) string {
	return strings.ToValidUTF8(string(s.names[i][:min(s.lengths[i], name)]), "?")
}

// Reached returns up to which sequence number everything has been applied.
func (s *Slot) Reached() uint64 {
	reached := atomic.LoadUint64(&s.applied)
	if c := s.Look(); c.Phase != Idle {
		reached = max(reached, c.Sequence-1) // those before it in its batch
	}
	return reached
}

// String is the call for people: "main.Pool.Take on object "pool" (sequence number 17)".
func (c Call) String() string {
	return fmt.Sprintf("%s.%s on object %q (sequence number %d)", c.Class, c.Method, c.Object, c.Sequence)
}

// A Table is the slots of a job's processes, in memory that its maker holds and hands to them as a descriptor.
type Table struct {
	file  *os.File
	inode uint64
	mem   []byte
}

// NewTable makes a table of idle slots.
func NewTable(slots int) (*Table, error) {
	fd, err := unix.MemfdCreate("dsss-applying", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making the memory that shows what is applied: %w", err)
	}
	t := &Table{file: os.NewFile(uintptr(fd), "applying")}
	if err = t.file.Truncate(int64(slots) * slotSize); err == nil {
		if t.inode, err = inodeOf(fd, int64(slots)*slotSize); err == nil {
			t.mem, err = unix.Mmap(fd, 0, slots*slotSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		}
	}
	if err != nil {
		t.file.Close()
		return nil, fmt.Errorf("making the memory that shows what is applied: %w", err)
	}
	return t, nil
}

// Close takes the memory away from the caller; no slot of it may be used any more.
func (t *Table) Close() error { return errors.Join(unix.Munmap(t.mem), t.file.Close()) }

// File is what the processes inherit.
func (t *Table) File() *os.File { return t.file }

// Slot returns slot i.
func (t *Table) Slot(i int) *Slot { return slotIn(t.mem, i) }

func slotIn(mem []byte, i int) *Slot {
	return (*Slot)(unsafe.Pointer(&mem[i*slotSize : (i+1)*slotSize][0]))
}

// Var renders the variable for a child that shows what it applies in slot i and inherits File as descriptor fd. It also
// says where the caller has the file, for a child whose descriptors a process in between has closed.
func (t *Table) Var(fd, i int) string {
	return fmt.Sprintf("%s=%d:%d:%d:/proc/%d/fd/%d", launchenv.VarApplying, fd, t.inode, i, os.Getpid(), t.file.Fd())
}

// Inherited returns this process's slot in the table of its launcher. Without a launcher, or out of its reach, it is a slot
// of this process's own.
func Inherited() *Slot {
	if s, err := inherited(os.Getenv(launchenv.VarApplying)); err == nil {
		return s
	}
	return Own()
}

func inherited(value string) (*Slot, error) {
	var fd, i int
	var inode uint64
	var path string
	if _, err := fmt.Sscanf(value, "%d:%d:%d:%s", &fd, &inode, &i, &path); err != nil {
		return nil, err
	}
	size := int64(i+1) * slotSize
	if got, err := inodeOf(fd, size); err == nil && got == inode {
		defer unix.Close(fd)
		return mapped(fd, i)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if got, err := inodeOf(int(f.Fd()), size); err != nil || got != inode {
		return nil, fmt.Errorf("%s is another file: %w", path, err)
	}
	return mapped(int(f.Fd()), i)
}

func mapped(fd, i int) (*Slot, error) {
	mem, err := unix.Mmap(fd, 0, (i+1)*slotSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return slotIn(mem, i), nil // it stays mapped as long as the process lives
}

// Own returns a slot that only this process has, which another goroutine may look at.
func Own() *Slot {
	mem, err := unix.Mmap(-1, 0, slotSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_SHARED)
	if err != nil {
		return new(Slot) // no memory: there will be other news
	}
	return slotIn(mem, 0)
}

// inodeOf identifies the regular file, of size bytes at least, behind a descriptor.
func inodeOf(fd int, size int64) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size < size {
		return 0, errors.New("not the launcher's memory")
	}
	return st.Ino, nil
}
