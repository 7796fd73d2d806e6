package launcher

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// Guard is what the guard process does: it reads which process groups there are, "+ID" for one that was started and
// "-ID" for one that is gone, and kills those that are left when r ends, which it does when the launcher dies. It
// ignores the signals that end a session.
func Guard(r io.Reader) {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	for _, group := range guarded(r) {
		_ = syscall.Kill(-group, syscall.SIGKILL) // gone already: all the better
	}
}

// guarded returns the process groups that are left at the end of r.
func guarded(r io.Reader) []int {
	left := map[int]bool{}
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line without an end was cut short by the launcher's death
		}
		id, err := strconv.ParseUint(strings.TrimSuffix(line[1:], "\n"), 10, 31)
		switch {
		case err != nil || id <= 1:
		case line[0] == '+':
			left[int(id)] = true
		case line[0] == '-':
			delete(left, int(id))
		}
	}
	groups := make([]int, 0, len(left))
	for id := range left {
		groups = append(groups, id)
	}
	return groups
}

// A guard is the launcher's side of the guard process.
type guard struct {
	cmd   *exec.Cmd
	words *os.File // to its stdin
}

// startGuard starts the guard in a session of its own, where neither a terminal nor a signal to the launcher's
// process group reaches it.
func startGuard(command []string) (*guard, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting the guard: %w", err)
	}
	defer r.Close()
	g := &guard{cmd: exec.Command(command[0], command[1:]...), words: w}
	g.cmd.Stdin, g.cmd.Dir = r, "/"
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := g.cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("starting the guard: %w", err)
	}
	return g, nil
}

func (g *guard) pid() int { return g.cmd.Process.Pid }

// tell notes that a group came (+) or went (-). The guard reads all the time, and the pipe has room for thousands. A
// guard that was killed cannot be told; the other measures stand.
func (g *guard) tell(sign byte, group int) { _, _ = fmt.Fprintf(g.words, "%c%d\n", sign, group) }

// close lets the guard end and waits for it.
func (g *guard) close() {
	g.words.Close()
	_ = g.cmd.Wait() // its end is all that counts
}
