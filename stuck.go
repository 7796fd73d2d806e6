package dsss

import (
	"fmt"
	"io"
	"os"
	"time"

	"dsss/internal/applying"
	"dsss/internal/limits"
	"dsss/internal/stack"
)

// answerStacks prints where this process's goroutines are whenever the launcher asks for it, until quit. It runs while a
// mutator does not end: nothing that the runtime does for the program may be needed for it.
func answerStacks(slot *applying.Slot, who string, quit <-chan struct{}) {
	answered := slot.Asked()
	every(limits.StuckLook, quit, func() {
		if asked := slot.Asked(); asked != answered {
			answered = asked
			fmt.Fprintf(os.Stderr, "dsss: stacks of %s (pid %d), on SIGQUIT\n%s\n", who, os.Getpid(), stack.Everything(limits.PanicText))
		}
	})
}

// sayStuck tells to, in a program without a launcher, which mutator does not end, until quit.
func sayStuck(to io.Writer, slots map[string]*applying.Slot, quit <-chan struct{}) {
	watches := map[string]*applying.Watch{}
	for who := range slots {
		watches[who] = &applying.Watch{}
	}
	every(limits.StuckLook, quit, func() {
		for who, slot := range slots {
			c := slot.Look()
			since, say := watches[who].Look(c)
			switch {
			case !say:
			case c.Phase == applying.Waiting:
				fmt.Fprintf(to, "dsss: a getter, View or Await condition has kept %s from applying mutations for %v: 'kill -QUIT %d' ends the program and prints where it is\n", who, since, os.Getpid())
			default:
				fmt.Fprintf(to, "dsss: %s has been applying %v for %v: 'kill -QUIT %d' ends the program and prints where it is\n", who, c, since, os.Getpid())
			}
		}
	})
}

// every calls f again and again, until quit is closed.
func every(d time.Duration, quit <-chan struct{}, f func()) {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			f()
		case <-quit:
			return
		}
	}
}
