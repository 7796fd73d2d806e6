package fleet

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"dsss/internal/launchenv"
)

// Guard is what the guard process does: it reads the run's mark and which process groups there are, "=MARK" first,
// then "+ID" for one that was started and "-ID" for one that is gone, until r ends, which it does when the launcher
// dies; "." says that it ends as planned. Else Guard kills the groups that are left, and what else carries the
// mark. It ignores the signals that end a session.
func Guard(r io.Reader) {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	lines := bufio.NewReader(r)
	mark, err := lines.ReadString('\n')
	if err != nil {
		return // the launcher has started nothing else
	}
	left := newMarked(strings.Trim(mark, "=\n")) // now: the launcher's ancestors are ours as long as it lives
	groups, planned := guarded(lines)
	for _, group := range groups {
		_ = syscall.Kill(-group, syscall.SIGKILL) // gone already: all the better
	}
	if !planned {
		left.kill()
	}
}

// guarded returns the process groups that are left at the end of r, and whether that was planned.
func guarded(lines *bufio.Reader) (left []int, planned bool) {
	groups := map[int]bool{}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line without an end was cut short by the launcher's death
		}
		id, err := strconv.ParseUint(strings.TrimSuffix(line[1:], "\n"), 10, 31)
		switch {
		case line == ".\n":
			planned = true
		case err != nil || id <= 1:
		case line[0] == '+':
			groups[int(id)] = true
		case line[0] == '-':
			delete(groups, int(id))
		}
	}
	return slices.Collect(maps.Keys(groups)), planned
}

// A guard is the launcher's side of the guard process.
type guard struct {
	cmd   *exec.Cmd
	words *os.File // to its stdin
}

// startGuard starts the guard in a session of its own, where neither a terminal nor a signal to the launcher's
// process group reaches it, and without the mark of a job that this one is part of, which may be ended from outside
// while the guard still has to end this one.
func startGuard(command []string, mark string) (*guard, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting the guard: %w", err)
	}
	defer r.Close()
	g := &guard{cmd: exec.Command(command[0], command[1:]...), words: w}
	g.cmd.Stdin, g.cmd.Dir, g.cmd.Env = r, "/", append(os.Environ(), launchenv.VarMark+"=")
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := g.cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("starting the guard: %w", err)
	}
	_, _ = fmt.Fprintf(w, "=%s\n", mark) // as in tell
	return g, nil
}

func (g *guard) pid() int { return g.cmd.Process.Pid }

// tell notes that a group came (+) or went (-). The guard reads all the time, and the pipe has room for thousands. A
// guard that was killed cannot be told; the other measures stand.
func (g *guard) tell(sign byte, group int) { _, _ = fmt.Fprintf(g.words, "%c%d\n", sign, group) }

// close lets the guard end and waits for it.
func (g *guard) close() {
	_, _ = fmt.Fprintln(g.words, ".") // as in tell
	g.words.Close()
	_ = g.cmd.Wait() // its end is all that counts
}
