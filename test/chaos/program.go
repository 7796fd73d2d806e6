package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"dsss"
	"dsss/internal/launchenv"
	"dsss/internal/outfile"
)

// The variables that a Job sets for its program.
const (
	// VarProgram is the directory of the job: Program runs there when it is set.
	VarProgram = "DSSS_CHAOS_JOB"
	// VarLinks is where the workers find the coordinator, host:port by rank, separated by commas. Empty: where the
	// launcher says.
	VarLinks = "DSSS_CHAOS_LINKS"
	// varSpace is the prefix of the names of the network namespaces of the workers. Empty: they have none.
	varSpace = "DSSS_CHAOS_SPACE"
)

// Files in the directory of a job.
const (
	phaseFile       = "phase"       // what the workers are to do
	coordinatorFile = "coordinator" // host:port, as the launcher says
	journalDir      = "journals"    // one file for each worker process: RUN-RANK-CLIENT
	stateSuffix     = ".state"      // behind the name of a journal: the dump
)

// Phases.
const (
	phaseLoad  = "load"  // ask for as much as there is time for
	phaseQuiet = "quiet" // let everything return
	phaseEnd   = "end"   // write the state down and leave
)

// appenders is how many clients of a worker append to the ledger that every process holds; one more appends to the hosted one.
const appenders = 2

// roundMost is how many numbers are appended at once.
const roundMost = 32

// keyTime is how long a register is in use, and keys how many there are at a time. A history is as long as what happens
// in that time, and one operation whose end is unknown makes none but its own longer.
const (
	keyTime = 100 * time.Millisecond
	keys    = 2
)

// A worker is one process of the program under load.
type worker struct {
	dir     string
	job     *dsss.Job
	ledger  *SharedLedger
	hosted  *HostedLedger
	regs    *SharedRegisters
	journal *Journal
	name    string // of the journal
	id      int64  // of the first client; the others follow it
	told    chan os.Signal
	ending  atomic.Bool // the clients are to stop
	bad     atomic.Bool // an operation ended without an answer
}

// Program is the program of the jobs. It returns its exit code.
func Program(dir string) int {
	if err := program(dir); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	return 0
}

func program(dir string) error {
	w := &worker{dir: dir, told: make(chan os.Signal, 1)}
	signal.Notify(w.told, syscall.SIGTERM, syscall.SIGINT)
	if err := route(dir); err != nil {
		return err
	}
	ctx := context.Background()
	var err error
	if w.job, err = dsss.Join(ctx, dsss.Config{}); err != nil {
		return err
	}
	if w.ledger, err = OpenLedger(ctx, w.job, "ledger"); err != nil {
		return err
	}
	if w.hosted, err = OpenLedgerHosted(ctx, w.job, "hosted"); err != nil {
		return err
	}
	if w.regs, err = OpenRegisters(ctx, w.job, "registers"); err != nil {
		return err
	}
	w.id = now()&^0xffff | int64(w.job.Rank())<<4 // another for every process
	w.name = filepath.Join(dir, journalDir, fmt.Sprintf("%d-%d-%d", w.job.Run(), w.job.Rank(), w.id))
	if w.journal, err = CreateJournal(w.name); err != nil {
		return err
	}
	w.journal.Put(Record{What: joined})
	return w.work(ctx)
}

// route has a worker reach the coordinator through the link of its rank.
func route(dir string) error {
	links := os.Getenv(VarLinks)
	if launchenv.Role(os.Getenv(launchenv.VarRole)) != launchenv.Worker || links == "" {
		return nil
	}
	rank, err := strconv.Atoi(os.Getenv(launchenv.VarRank))
	addrs := strings.Split(links, ",")
	if err != nil || rank >= len(addrs) {
		return fmt.Errorf("no link for rank %d: %v", rank, err)
	}
	if addr := os.Getenv(launchenv.VarCoordinator); addr != addrs[rank] {
		if err := outfile.Write(filepath.Join(dir, coordinatorFile), []byte(addr)); err != nil {
			return err
		}
	}
	if err := os.Setenv(launchenv.VarCoordinator, addrs[rank]); err != nil {
		return err
	}
	return enterSpace(rank)
}

// work lets the clients run until the job's phase, or a signal, says otherwise.
func (w *worker) work(ctx context.Context) error {
	var clients sync.WaitGroup
	if w.phase() == phaseEnd { // it came to tell what the state is
		return w.leave(ctx)
	}
	for i := range int64(appenders) {
		clients.Go(func() { w.append(ctx, w.id+i, w.ledger.AppendAsync) })
	}
	clients.Go(func() { w.append(ctx, w.id+appenders+1, w.hosted.AppendAsync) })
	clients.Go(func() { w.operate(ctx, w.id+appenders) })
	interrupted := w.until(phaseQuiet)
	w.ending.Store(true)
	clients.Wait()
	if w.bad.Load() {
		return errors.New("calls have ended without an answer")
	}
	if interrupted {
		err := w.job.Close()
		if err == nil {
			w.journal.Put(Record{What: leaving})
		}
		return err
	}
	w.journal.Put(Record{What: quiet})
	if w.until(phaseEnd) {
		return w.job.Close()
	}
	return w.leave(ctx)
}

func (w *worker) phase() string {
	b, err := os.ReadFile(filepath.Join(w.dir, phaseFile))
	if err != nil {
		return "" // the next look may tell
	}
	return string(b)
}

// leave writes the state down and ends.
func (w *worker) leave(ctx context.Context) error {
	if err := w.state(ctx); err != nil {
		return err
	}
	return w.job.Close()
}

// until waits for a phase; it returns true when a signal came first.
func (w *worker) until(phase string) (interrupted bool) {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		if p := w.phase(); p == phase || p == phaseEnd {
			return false
		}
		select {
		case <-look.C:
		case <-w.told:
			return true
		case <-w.job.Done():
			return false
		}
	}
}

// state writes the state down.
func (w *worker) state(ctx context.Context) error {
	if err := w.job.Sync(ctx); err != nil {
		return err
	}
	text, err := w.hosted.Text(ctx)
	w.ledger.View(func(l *Ledger) {
		w.regs.View(func(r *Registers) { text += l.Text() + r.Text() })
	})
	if err == nil {
		err = outfile.Write(w.name+stateSuffix, []byte(text))
	}
	if err == nil {
		w.journal.Put(Record{What: stated})
	}
	return err
}

// append appends numbers to the client's list by start, some at a time, until it is told to end or a call ends without an answer.
func (w *worker) append(ctx context.Context, client int64, start func(ctx context.Context, client, number int64) *dsss.Future[int64]) {
	random := rand.New(rand.NewPCG(uint64(client), 1))
	pace := time.NewTicker(2 * time.Millisecond)
	defer pace.Stop()
	for first := int64(1); !w.ending.Load() && !w.bad.Load(); {
		n := 1 + random.IntN(roundMost)
		w.journal.Put(Record{What: asked, Client: client, First: first, Count: n})
		futures := make([]*dsss.Future[int64], n)
		for i := range futures {
			futures[i] = start(ctx, client, first+int64(i))
		}
		r := Record{What: told, Client: client, First: first, Count: n, Seqs: make([]uint64, n)}
		for i, f := range futures {
			at, err := f.Wait(ctx)
			r.Seqs[i] = f.Seq()
			w.outcome(&r, i, err)
			if number := first + int64(i); err == nil && at != number {
				w.journal.Put(Record{What: broken, Client: client, Text: fmt.Sprintf("append %d found a list of %d", number, at-1)})
			}
			if again, errAgain := f.Wait(ctx); again != at || fmt.Sprint(errAgain) != fmt.Sprint(err) {
				w.journal.Put(Record{What: broken, Client: client, Text: fmt.Sprintf("a future said %d, %v and then %d, %v", at, err, again, errAgain)})
			}
		}
		w.journal.Put(r)
		first += int64(n)
		<-pace.C
	}
}

// outcome notes what came of the i-th call of r.
func (w *worker) outcome(r *Record, i int, err error) {
	fate := fateOf(err)
	if fate == applied {
		return
	}
	if r.Fates == nil {
		r.Fates = make([]string, r.Count)
		r.Errors = err.Error()
	}
	r.Fates[i] = fate
	if fate != resultLost {
		w.bad.Store(true)
	}
}

func fateOf(err error) string {
	switch {
	case err == nil:
		return applied
	case errors.Is(err, dsss.ErrResultLost):
		return resultLost
	case errors.Is(err, dsss.ErrNotApplied):
		return notApplied
	case errors.Is(err, dsss.ErrUnconfirmed):
		return unconfirmed
	}
	return err.Error()
}

// operate reads and changes registers, one operation at a time.
func (w *worker) operate(ctx context.Context, client int64) {
	random := rand.New(rand.NewPCG(uint64(client), 2))
	pace := time.NewTicker(2 * time.Millisecond)
	defer pace.Stop()
	for i := int64(1); !w.ending.Load() && !w.bad.Load(); i++ {
		// Values are never 0 and never the same twice in a run; keys belong to the run.
		r := Record{What: calling, Client: client, Value: client<<16 + i,
			Key: int64(w.job.Run())<<48 + now()/int64(keyTime)*keys%(1<<48) + random.Int64N(keys)}
		switch random.IntN(4) {
		case 0, 1:
			r.Op, r.Value = opRead, 0
		case 2:
			r.Op = opWrite
		default:
			r.Op, r.Old = opSwap, w.regs.Get(r.Key)
		}
		w.journal.Put(r)
		r.What = returned
		var err error
		switch r.Op {
		case opRead:
			if err = w.job.Sync(ctx); err == nil {
				r.Value = w.regs.Get(r.Key)
			}
		case opWrite:
			r.Old, err = w.regs.Write(ctx, r.Key, r.Value)
		case opSwap:
			r.Done, err = w.regs.Swap(ctx, r.Key, r.Old, r.Value)
		}
		if err != nil {
			r.Fate, r.Errors = fateOf(err), err.Error()
			if r.Fate != resultLost {
				w.bad.Store(true)
			}
		}
		w.journal.Put(r)
		<-pace.C
	}
}
