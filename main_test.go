package dsss_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dsss"
)

// The test binary is the programs of TestMainEndsTheProcess, too.
func TestMain(m *testing.M) {
	switch what := os.Getenv("DSSS_TEST_MAIN"); what {
	case "":
		os.Exit(m.Run())
	case "keeps":
		keeperProgram()
	default:
		mainProgram(what)
	}
}

// TestRun: fn's mutations are applied when Run returns, its error is Run's, and what Close finds counts.
func TestRun(t *testing.T) {
	cfg := dsss.Config{Name: t.Name(), StateDir: filepath.Join(t.TempDir(), "state")}
	wrong := errors.New("wrong")
	for _, fail := range []error{nil, wrong} {
		err := dsss.Run(t.Context(), cfg, func(ctx context.Context, job *dsss.Job) error {
			hits, err := dsss.Open(ctx, job, counterClass, "hits")
			if err != nil {
				return err
			}
			dsss.Go(ctx, hits, counterAdd, 1) // not waited for
			return fail
		})
		if err != fail {
			t.Errorf("Run returns %v, fn %v", err, fail)
		}
	}
	err := dsss.Run(t.Context(), cfg, func(ctx context.Context, job *dsss.Job) error {
		hits, err := dsss.Open(ctx, job, counterClass, "hits")
		if err == nil && value(hits) != 2 {
			err = fmt.Errorf("%d were counted, want 2", value(hits))
		}
		if err == nil && (job.Err() != nil || job.Context().Err() != nil) {
			err = fmt.Errorf("the job has ended: %w", job.Err())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := dsss.Run(t.Context(), dsss.Config{Keep: -1}, nil); !errors.Is(err, dsss.ErrConfig) {
		t.Errorf("a field that cannot be: %v", err)
	}
}

// TestRunEnds: fn's context ends with the job, and says why.
func TestRunEnds(t *testing.T) {
	cfg := dsss.Config{Name: t.Name(), StateDir: filepath.Join(t.TempDir(), "state")}
	err := dsss.Run(t.Context(), cfg, func(ctx context.Context, job *dsss.Job) error {
		go job.Close()
		<-ctx.Done()
		if cause := context.Cause(ctx); !errors.Is(cause, dsss.ErrClosed) || !errors.Is(job.Err(), dsss.ErrClosed) {
			return fmt.Errorf("fn's context ended with %v, the job with %v", cause, job.Err())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestFutureErr: the error alone.
func TestFutureErr(t *testing.T) {
	job, hits := scratchJob(t)
	defer job.Close()
	if err := dsss.Go(t.Context(), hits, counterAdd, 1).Err(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestMainEndsTheProcess runs programs that are nothing but Main: how they end is in their exit code and one line.
func TestMainEndsTheProcess(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		signals []os.Signal
		code    int
		said    string // the last line on stderr, behind the program's name
	}{
		"fine":    {nil, 0, ""},
		"fails":   {nil, 1, "it failed"},
		"code":    {nil, 7, "a code of its own"},
		"config":  {nil, 2, `dsss: Join: invalid configuration: Config.Keep is -1`},
		"ends":    {[]os.Signal{syscall.SIGTERM}, 143, ""},
		"ends by": {[]os.Signal{syscall.SIGINT}, 130, ""},
		"hangs":   {[]os.Signal{syscall.SIGTERM, syscall.SIGINT}, 130, ""},
		"tidies":  {[]os.Signal{syscall.SIGTERM}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "DSSS_TEST_MAIN="+name, "DSSS_TEST_STATE="+filepath.Join(t.TempDir(), "state"))
			var said strings.Builder
			cmd.Stderr = &said
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
			lines := bufio.NewScanner(out)
			for _, s := range c.signals { // each when it waits for it
				if !lines.Scan() {
					t.Fatalf("ended too soon: %s", &said)
				}
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
			}
			_, _ = io.Copy(io.Discard, out)
			_ = cmd.Wait() // its state tells
			if got := cmd.ProcessState.ExitCode(); got != c.code || c.said == "" != (said.Len() == 0) || !strings.Contains(said.String(), ": "+c.said) && c.said != "" {
				t.Errorf("exit code %d, want %d; stderr %q, want %q", got, c.code, &said, c.said)
			}
		})
	}
}

// exitError is an error with an exit code.
type exitError struct{ code int }

func (e exitError) Error() string { return "a code of its own" }
func (e exitError) ExitCode() int { return e.code }

// mainProgram is the programs of TestMainEndsTheProcess.
func mainProgram(what string) {
	dsss.Main(func(ctx context.Context, job *dsss.Job) error {
		switch what {
		case "fails":
			return errors.New("it failed")
		case "code":
			return exitError{7}
		case "ends", "ends by":
			fmt.Println("waiting")
			<-ctx.Done()
			return ctx.Err()
		case "tidies":
			fmt.Println("waiting")
			<-ctx.Done()
		case "hangs":
			fmt.Println("waiting")
			<-ctx.Done()
			fmt.Println("waiting")
			select {}
		}
		return nil
	}, func(c *dsss.Config) {
		c.Name, c.StateDir = "main", os.Getenv("DSSS_TEST_STATE")
		if what == "config" {
			c.Keep = -1
		}
	})
}
