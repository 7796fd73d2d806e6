package launchenv

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// VarLifeline names the inherited read end of a pipe whose only write end the launcher holds, as
// "descriptor:inode". The kernel closes the write end when the launcher dies, however it dies, and every process that
// inherited the read end can see that, whatever shell script lies between. Nothing is ever written to it.
const VarLifeline = "DSSS_LIFELINE"

// ErrNoLifeline: the variable is set, but the descriptor is not the launcher's pipe. A process between the launcher
// and this one closed it, as Python's subprocess does unless told otherwise.
var ErrNoLifeline = errors.New("the lifeline to the launcher was closed on the way")

// LifelineVar renders the variable for a child that gets the pipe's read end r as descriptor fd.
func LifelineVar(fd int, r *os.File) (string, error) {
	inode, err := pipeInode(int(r.Fd()))
	if err != nil {
		return "", fmt.Errorf("lifeline: %w", err)
	}
	return fmt.Sprintf("%s=%d:%d", VarLifeline, fd, inode), nil
}

// WatchLifeline calls onDeath once, on a goroutine of its own, when the launcher that started this process has died.
// A process that was started without a launcher has nothing to watch. It returns an error, and never calls onDeath,
// when there should be a lifeline and is none; the process then learns of the launcher's death only from the
// coordinator's, which follows. It is called at most once in a process.
func WatchLifeline(onDeath func()) error {
	value := os.Getenv(VarLifeline)
	if value == "" {
		return nil
	}
	fd, inode, err := parseLifeline(value)
	if err != nil {
		return err
	}
	if got, err := pipeInode(fd); err != nil || got != inode {
		return ErrNoLifeline
	}
	unix.CloseOnExec(fd) // the watch is this process's own
	f := os.NewFile(uintptr(fd), "lifeline")
	go func() {
		_, _ = io.Copy(io.Discard, f) // whatever ends it, the launcher is out of reach
		onDeath()
	}()
	return nil
}

func parseLifeline(value string) (fd int, inode uint64, err error) {
	a, b, ok := strings.Cut(value, ":")
	fd, err1 := strconv.Atoi(a)
	inode, err2 := strconv.ParseUint(b, 10, 64)
	if !ok || err1 != nil || err2 != nil || fd < 0 {
		return 0, 0, fmt.Errorf("%s=%q: want DESCRIPTOR:INODE", VarLifeline, value)
	}
	return fd, inode, nil
}

func pipeInode(fd int) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return 0, errors.New("not a pipe")
	}
	return st.Ino, nil
}
