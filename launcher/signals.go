package launcher

import (
	"os"
	"os/signal"
	"syscall"

	"dsss/internal/limits"
)

// catchSignals returns the signals to this process. One that it was told to ignore, as nohup(1) does with SIGHUP and a
// shell with the SIGINT of a background job, stays ignored.
func catchSignals() chan os.Signal {
	ch := make(chan os.Signal, limits.Signals)
	for _, s := range []os.Signal{
		syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, // end the job
		syscall.SIGUSR1, // a checkpoint
		syscall.SIGUSR2, // for the workers
		syscall.SIGQUIT, // keeper, host and workers print where they are
		syscall.SIGTSTP, // Ctrl-Z
		syscall.SIGPIPE, // a write to a closed stdout is an error like any other, and must not end us here
	} {
		if !signal.Ignored(s) {
			signal.Notify(ch, s)
		}
	}
	return ch
}

// ends tells whether s asks for the end of the job.
func ends(s os.Signal) bool {
	return s == syscall.SIGINT || s == syscall.SIGTERM || s == syscall.SIGHUP
}
