package dsss

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress shows the newest line of a job without a launcher: rewritten in place on a terminal, now and then elsewhere.
var progress struct {
	sync.Mutex
	shown time.Time
}

// progressPause is the least time between two plain lines.
const progressPause = 2 * time.Second

func showProgress(text string) {
	progress.Lock()
	defer progress.Unlock()
	if term.IsTerminal(int(os.Stderr.Fd())) {
		fmt.Fprintf(os.Stderr, "\r\x1b[K%s", text)
		return
	}
	if now := time.Now(); now.Sub(progress.shown) >= progressPause {
		progress.shown = now
		fmt.Fprintf(os.Stderr, "progress: %s\n", text)
	}
}
