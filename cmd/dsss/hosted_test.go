package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dsss"
)

// draw draws tickets from a hosted counter until SIGUSR2: one, then some at once, again and again. Every worker writes those
// that it got into a file of its own. Rank 0 then asks how many were drawn, and compares that with how many answers there
// were once enders have ended.
func draw(ctx context.Context, job *dsss.Job, told chan os.Signal, enders int64, check func(error)) {
	tickets, err := dsss.OpenHosted(ctx, job, counters, "tickets")
	check(err)
	acked, err := dsss.Open(ctx, job, counters, "acked")
	check(err)
	ended, err := dsss.Open(ctx, job, counters, "ended")
	check(err)
	fmt.Println("up")
	var got []string
	take := func(n int64, err error) {
		check(err)
		got = append(got, strconv.FormatInt(n, 10))
	}
	for stop, round := false, 0; !stop; round++ {
		select {
		case <-told:
			stop = true
		default:
		}
		take(dsss.CallHosted(ctx, tickets, add, 1))
		var some [16]*dsss.Future[int64]
		for i := range some {
			some[i] = dsss.GoHosted(ctx, tickets, add, 1)
		}
		for _, f := range some {
			take(f.Wait(ctx))
		}
		if job.Rank() == 0 && round%20 == 0 {
			fmt.Println("beat")
		}
	}
	check(os.WriteFile(fmt.Sprintf("tickets.%d.%d", job.Run(), os.Getpid()), []byte(strings.Join(got, "\n")), 0o666))
	_, err = dsss.Call(ctx, acked, add, int64(len(got)))
	check(err)
	_, err = dsss.Call(ctx, ended, add, 1)
	check(err)
	check(ended.Await(ctx, func(c *counter) bool { return c.n >= enders }))
	if job.Rank() == 0 {
		drawn, err := dsss.Ask(ctx, tickets, counted, struct{}{})
		check(err)
		fmt.Println("counted", drawn, "acknowledged", dsss.Read(acked, func(c *counter) int64 { return c.n }))
	}
}

// startDraw starts a job of four workers that draw tickets, in dir.
func startDraw(t *testing.T, dir, flags string, enders int) *loaded {
	t.Helper()
	c, _, _ := command(dir, runArgs("-n 4 --output plain "+flags, "0", "draw", strconv.Itoa(enders))...)
	return startLoaded(t, c, 4)
}

// endDraw ends the job and looks at all tickets that were drawn in dir: every one once, each worker's in the order of its
// calls, and, if exact, none is missing. What workers that were killed had drawn nobody knows.
func (l *loaded) endDraw(exact bool) {
	l.t.Helper()
	l.end(exact)
	files, _ := filepath.Glob(filepath.Join(l.dir, "tickets.*"))
	var all []int
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			l.t.Fatal(err)
		}
		var own []int
		for text := range strings.SplitSeq(string(b), "\n") {
			n, err := strconv.Atoi(text)
			if err != nil {
				l.t.Fatal(file, err)
			}
			own = append(own, n)
		}
		if !slices.IsSorted(own) {
			l.t.Errorf("%s is not in order", file)
		}
		all = append(all, own...)
	}
	slices.Sort(all)
	distinct := slices.Compact(slices.Clone(all))
	if len(distinct) != len(all) || exact && all[len(all)-1] != len(all) || all[0] < 1 {
		l.t.Errorf("%d tickets, %d of them distinct, from %d to %d: %s", len(all), len(distinct), all[0], all[len(all)-1], l.errs)
	}
}

// strike sends sig to the launcher's child whose command line or environment has who in it.
func (l *loaded) strike(who string, sig syscall.Signal) {
	l.t.Helper()
	if err := syscall.Kill(l.child(who), sig); err != nil {
		l.t.Fatal(err)
	}
}

const (
	theHost   = "DSSS_ROLE=host"
	theKeeper = "DSSS_ROLE=keeper"
)

// TestHosted kills host, coordinator and keeper of a job that draws tickets, one after the other, and keeps nothing on disk:
// every call is answered, and counted once. It is resumed, and goes on with the next ticket.
func TestHosted(t *testing.T) {
	dir, seed := t.TempDir(), rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for run, flags := range []string{"", "--resume"} {
		l := startDraw(t, dir, "--durability memory "+flags, 4+4*run)
		victims := []string{theHost, theHost, theHost, "coordinator", "coordinator", theKeeper}
		r.Shuffle(len(victims), func(i, k int) { victims[i], victims[k] = victims[k], victims[i] })
		for _, who := range victims {
			l.beats(2)
			l.strike(who, syscall.SIGKILL)
		}
		l.beats(2)
		l.endDraw(true)
		said := l.errs.String()
		if n := strings.Count(said, "dsss: the host (pid "); n != 3 || !regexp.MustCompile(`dsss: the host \(pid \d+\) killed by signal 9 \(killed\); started again as pid \d+\n`).MatchString(said) {
			t.Errorf("the host ended %d times, stderr:\n%s", n, said)
		}
	}
}

// TestHostAndCoordinator: host and coordinator are killed at once, where what was answered is on disk.
func TestHostAndCoordinator(t *testing.T) {
	l := startDraw(t, t.TempDir(), "--durability sync", 4)
	for _, pair := range [][2]string{{theHost, "coordinator"}, {"coordinator", theHost}} {
		l.beats(2)
		l.strike(pair[0], syscall.SIGKILL)
		l.strike(pair[1], syscall.SIGKILL)
	}
	l.beats(2)
	l.endDraw(true)
}

// TestStoppedHost: calls wait for a host that is stopped, and for nothing else.
func TestStoppedHost(t *testing.T) {
	l := startDraw(t, t.TempDir(), "", 4)
	l.beats(1)
	l.strike(theHost, syscall.SIGSTOP)
	<-time.After(time.Second)
	l.strike(theHost, syscall.SIGCONT)
	l.beats(2)
	l.endDraw(true)
	if said := l.errs.String(); strings.Contains(said, "the host") {
		t.Errorf("stderr:\n%s", said)
	}
}

// TestHostedRespawn: a worker is killed and started again. A call of its that nobody saw the answer of may be counted.
func TestHostedRespawn(t *testing.T) {
	l := startDraw(t, t.TempDir(), "--on-failure respawn", 4)
	for _, rank := range []string{"DSSS_RANK=1", "DSSS_RANK=2"} {
		l.beats(1)
		l.strike(rank, syscall.SIGKILL)
		l.until("the new worker", func(line string) bool { return line == "up" })
	}
	l.beats(2)
	l.endDraw(false)
}

// TestHostDiverges: the host is audited like a worker. One whose objects are not the keeper's is replaced.
func TestHostDiverges(t *testing.T) {
	c, _, _ := command(t.TempDir(), runArgs("-n 1 --output plain --on-failure respawn --checkpoint-every 0", "0", "hosted", strconv.Itoa(differs), "0")...)
	l := startLoaded(t, c, 1)
	first := l.child(theHost)
	for end := time.Now().Add(time.Minute); l.child(theHost) == first; {
		if code, _, errs := dsssIn(t, l.dir, "save"); code != 0 || time.Now().After(end) {
			t.Fatalf("exit code %d, %s: %s", code, errs, l.errs)
		}
	}
	if err := syscall.Kill(l.pid, syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	if line := l.until("what is on the host", func(line string) bool { return strings.HasPrefix(line, "tickets ") }); line != "tickets 2" {
		t.Error(line)
	}
	if err := l.cmd.Wait(); err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		`dsss: the host \(pid \d+\) has diverged from the job by sequence number \d+: object "tickets" of class main_test\.counter differs: v is 1 in its state and 2 in the keeper's; its state is kept in \S+/diverged/host/\d+\.db, `,
		`dsss: the host \(pid \d+\) .*; started again as pid \d+\n`, // it was told, or was killed
	} {
		if !regexp.MustCompile(want).MatchString(l.errs.String()) {
			t.Errorf("stderr:\n%s\nwant %s", l.errs, want)
		}
	}
}

// TestHostedMutatorEnds: a mutator that panics on a hosted object, or ends its process, ends host and keeper alone, which are
// enough to blame it; the resumed job goes on without it.
func TestHostedMutatorEnds(t *testing.T) {
	for amount, want := range map[string]string{
		"-1": `mutator Add of tickets panicked at sequence number \d+: negative; arguments -1; --resume goes on without it\n$`,
		"-8": `2 processes ended while they were applying main_test.counter.Add on object "tickets" \(sequence number \d+\), the last of them the (host|keeper) \(pid \d+\) killed by signal 9 \(killed\)`,
	} {
		dir := t.TempDir()
		code, _, errs := dsssIn(t, dir, runArgs("-n 2", "1", "hosted", amount, "2")...)
		if code != 1 || !regexp.MustCompile(`\ndsss: job job failed: `+want).MatchString(errs) {
			t.Errorf("%s: exit code %d, stderr %q", amount, code, errs)
		}
		if seq := regexp.MustCompile(`'dsss skip \S+ (\d+)'`).FindStringSubmatch(errs); seq != nil {
			if code, _, errs := dsssIn(t, dir, "skip", "job.dsss", seq[1]); code != 0 {
				t.Errorf("skip: exit code %d, stderr %q", code, errs)
			}
		}
		c, _, _ := command(dir, runArgs("-n 1 --output plain --resume", "0", "hosted", "5", "0")...)
		l := startLoaded(t, c, 1)
		if err := syscall.Kill(l.pid, syscall.SIGUSR2); err != nil {
			t.Fatal(err)
		}
		l.until("what is on the host", func(line string) bool { return line == "tickets 5" })
		if err := l.cmd.Wait(); err != nil {
			t.Errorf("resumed: %v, %s", err, l.errs)
		}
	}
}

// TestNoHost: a job that uses no hosted object has no host, and the one that resumes another does not begin with one. What
// that one left is shown as what it is.
func TestNoHost(t *testing.T) {
	l := startLoad(t, "--verbose", 3)
	l.beats(1)
	if pid := l.find(theHost); pid != 0 {
		t.Errorf("pid %d is a host", pid)
	}
	l.end(true)

	dir := t.TempDir()
	l = startDraw(t, dir, "--verbose", 4)
	l.beats(1)
	l.endDraw(true)
	if said := l.errs.String(); strings.Count(said, "dsss: a hosted object is used: the host started as pid ") != 1 {
		t.Errorf("stderr:\n%s", said)
	}
	look(t, dir, 0, `job job at .*\ncounter +main_test\.counter +\d+\ndsss\.results +dsss\.results +\d+ +hosted\ntickets +main_test\.counter +\d+ +hosted\n.*`, "show", "job.dsss")
	look(t, dir, 0, `\d+ bytes of what hosted calls returned .*\n`, "show", "job.dsss", "dsss.results")
	code, out, errs := dsssIn(t, dir, runArgs("-n 1 --verbose --resume", "1", "1")...)
	if code != 0 || !strings.Contains(out, "counter 1\n") || strings.Contains(errs, "a hosted object is used") {
		t.Errorf("resumed: exit code %d, stdout %q, stderr %q", code, out, errs)
	}
}
