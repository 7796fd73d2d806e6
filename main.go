package dsss

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Main makes this process a part of a job, runs fn in it, and ends the process: it is all that a program's main function
// has to call. options change the zero Config. Flags and arguments are read before it.
//
//	func main() { dsss.Main(work) }
//
// fn's ctx ends with the first SIGINT, SIGTERM or SIGHUP, and when the job ends for this process; fn then returns soon. A
// second signal ends the process at once. In keeper and host, which the launcher starts beside the workers, fn is not called.
//
// The exit code is 0 when fn returned nil and everything that it changed was applied; that of the error when it has
// one (a method ExitCode() int, as *exec.ExitError has); 2 when the error is ErrConfig; 128 + signal when a signal ended
// ctx and fn returned its error; otherwise 1. An error is printed on stderr, one line behind the program's name.
func Main(fn func(ctx context.Context, job *Job) error, options ...func(*Config)) {
	var cfg Config
	for _, o := range options {
		o(&cfg)
	}
	ctx, stop := untilSignal(os.Exit)
	err := Run(ctx, cfg, fn)
	stop()
	code, said := exitCode(err, context.Cause(ctx))
	if said {
		fmt.Fprintf(os.Stderr, "%s: %v\n", programName(), err)
	}
	os.Exit(code)
}

// Run joins a job as cfg says, calls fn, and leaves the job (see Join and Close). fn's ctx ends with ctx, and when the job
// ends for this process; context.Cause says why. It returns what fn returned; when that is nil, the error of Close: a
// mutation that was started and not waited for may have failed. When fn panics the job is not left.
func Run(ctx context.Context, cfg Config, fn func(ctx context.Context, job *Job) error) error {
	job, err := Join(ctx, cfg)
	if err != nil {
		return err
	}
	err = within(ctx, job, fn)
	if closed := job.Close(); err == nil {
		err = closed
	}
	return err
}

// within calls fn with a context that ends when the job does.
func within(ctx context.Context, job *Job, fn func(ctx context.Context, job *Job) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(job.Context(), func() { cancel(context.Cause(job.Context())) })
	defer stop()
	return fn(ctx, job)
}

// Context returns a context that ends when the job has ended for this process; its cause is Err.
func (j *Job) Context() context.Context { return j.ctx }

// Err returns why the job has ended for this process, or nil while it goes on: ErrClosed after Close.
func (j *Job) Err() error { return asError("Err", "", j.session.Err()) }

// signalError is why a context of Main ended.
type signalError struct{ syscall.Signal }

func (s signalError) Error() string { return fmt.Sprintf("signal %d (%v)", int(s.Signal), s.Signal) }

// Is makes it a cancellation, as that of signal.NotifyContext is.
func (s signalError) Is(target error) bool { return target == context.Canceled }

// untilSignal returns a context that ends with a signal that asks for the end; one more calls exit. A signal that was
// ignored when the process started, as nohup has it, stays ignored.
func untilSignal(exit func(code int)) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() { // lives as long as the process
		for s := range signals {
			if ctx.Err() != nil {
				exit(128 + int(s.(syscall.Signal)))
			}
			cancel(signalError{s.(syscall.Signal)})
		}
	}()
	return ctx, func() { signal.Stop(signals) }
}

// exitCode is what a process ends with whose part in a job ended with err, and its context for a cause or none, and
// whether err is to be printed.
func exitCode(err, cause error) (code int, said bool) {
	var own interface{ ExitCode() int }
	var sig signalError
	var e *Error
	switch {
	case err == nil, errors.As(err, &e) && e.Err == ErrRoleEnded && e.Cause == nil:
		return 0, false
	case errors.Is(err, context.Canceled) && errors.As(cause, &sig):
		return 128 + int(sig.Signal), false
	case errors.As(err, &own) && own.ExitCode() > 0:
		return own.ExitCode(), true
	case errors.Is(err, ErrConfig):
		return 2, true
	}
	return 1, true
}
