package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss"
	"dsss/class"
	"dsss/flat"
)

// counter is shared by the processes of the test program.
type counter struct{ n int64 }

var number = class.Codec[int64]{
	Schema: "table Int64 { v:long (id: 0); }",
	Build: func(b *flatbuffers.Builder, v int64) flatbuffers.UOffsetT {
		b.StartObject(1)
		b.PrependInt64Slot(0, v, 0)
		return b.EndObject()
	},
	Read: func(buf []byte) (int64, error) {
		v := flat.New(buf)
		v.Root().Scalar(0, 8)
		if err := v.Err(); err != nil {
			return 0, err
		}
		t := flatbuffers.Table{Bytes: buf, Pos: flatbuffers.UOffsetT(binary.LittleEndian.Uint32(buf))}
		return t.GetInt64Slot(4, 0), nil
	},
}

var counters = class.New("main_test.counter", class.StateCodec[counter]{
	Schema: number.Schema,
	Save: func(c *counter, emit func([]byte) error) error {
		b := flatbuffers.NewBuilder(32)
		b.Finish(number.Build(b, c.n))
		return emit(b.FinishedBytes())
	},
	Load: func(c *counter, next func() ([]byte, error)) error {
		chunk, err := next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			c.n, err = number.Read(chunk)
		}
		return err
	},
})

var add = class.NewMutator(counters, 1, "Add", number, func(_ class.Order, c *counter, d int64) (int64, error) {
	if end := ends[d]; end != nil {
		fmt.Println("in the mutator")
		end()
	}
	switch {
	case d == differs && os.Getenv("DSSS_ROLE") == "host":
		d = 1
	case d == differs:
		d = 2
	case d < 0:
		panic("negative")
	}
	c.n += d
	return c.n, nil
}).Returns(number)

var counted = class.NewGetter(counters, 1, "Counted", class.Codec[struct{}]{}, number, func(c *counter, _ struct{}) (int64, error) { return c.n, nil })

// differs adds another number in the host than elsewhere.
const differs = -10

// ends are what Add does for some amounts instead of adding.
var ends = map[int64]func(){
	-2: func() { os.Exit(3) },
	-3: func() { os.Exit(0) },
	-4: func() { debug.SetMaxStack(1 << 20); fmt.Println(overflow(1)) },
	-5: func() { select {} },
	-6: func() {
		for i := 0; ; i++ {
		}
	},
	-7: runtime.Goexit,
	-8: func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} },
	-9: func() {
		m := map[int]int{}
		for range 4 {
			go func() {
				for i := range 1 << 30 {
					m[i%10] = i
				}
			}()
		}
		select {}
	},
}

//lint:ignore SA5007 it is to end the process
func overflow(n int) int { return overflow(n+1) + n }

// program adds 1 to the shared counter as often as its argument says, then does what the rest of its arguments say.
func program(args []string) {
	check := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "program:", err)
			os.Exit(1)
		}
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		fmt.Fprintf(os.Stderr, "program: %q is not a number of steps\n", args[0])
		os.Exit(2)
	}
	if len(args) > 1 && args[1] == "early" { // before Join, also in the keeper
		said, err := exec.Command(os.Args[0], "program", "0", "0").CombinedOutput()
		fmt.Fprintf(os.Stderr, "early: %v: %s", err, said)
	}
	ctx := context.Background()
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGUSR2)
	job, err := dsss.Join(ctx, dsss.Config{})
	check(err)
	o, err := dsss.Open(ctx, job, counters, "counter")
	check(err)
	for range n {
		_, err := dsss.Call(ctx, o, add, 1)
		check(err)
	}
	if len(args) > 1 && (args[1] == "load" || args[1] == "draw") {
		enders, err := strconv.ParseInt(args[2], 10, 64)
		check(err)
		if args[1] == "load" {
			load(ctx, job, o, told, enders, check)
		} else {
			draw(ctx, job, told, enders, check)
		}
		check(job.Close())
		return
	}
	if len(args) > 1 && job.Rank() == 0 {
		switch args[1] {
		case "panic":
			_, err = dsss.Call(ctx, o, add, -1)
		case "add":
			d, _ := strconv.ParseInt(args[2], 10, 64)
			_, err = dsss.Call(ctx, o, add, d)
		case "hosted": // add to a hosted counter, and say what is there when told
			d, _ := strconv.ParseInt(args[2], 10, 64)
			tickets, err := dsss.OpenHosted(ctx, job, counters, "tickets")
			check(err)
			_, err = dsss.CallHosted(ctx, tickets, add, d)
			check(err)
			fmt.Println("up")
			<-told
			n, err := dsss.Ask(ctx, tickets, counted, struct{}{})
			check(err)
			fmt.Println("tickets", n)
		case "blast": // write until nobody takes it
			for {
				fmt.Println("0123456789012345678901234567890123456789012345678901234567890")
			}
		case "wait":
			fmt.Println("waiting")
			select {}
		case "nest": // say which variables of settings are left, and run a job with what it inherits
			for _, name := range []string{"DSSS_STATE_DIR", "DSSS_NAME", "DSSS_KEEP", "DSSS_RESUME"} {
				if value := os.Getenv(name); value != "" {
					fmt.Println("inherited", name, value)
				}
			}
			nested := exec.Command(os.Args[0], "run", "-n", "1", "--name", "inner", "--verbose", "--", os.Args[0], "program", "3", "3")
			said, err := nested.CombinedOutput()
			fmt.Printf("nested: %v: %s", err, said)
		case "again": // join a second time, and have a child of ours join, and one that is a job of its own
			_, again := dsss.Join(ctx, dsss.Config{})
			fmt.Println("again:", again)
			self := exec.Command(os.Args[0], "program", "0", "0")
			said, err := self.CombinedOutput()
			fmt.Printf("child: %v: %s", err, said)
			second := exec.Command(os.Args[0], "program", "0", "0") // as a shell would that starts the program twice
			second.Env = append(os.Environ(), "DSSS_JOINED=")
			said, err = second.CombinedOutput()
			fmt.Printf("second: %v: %s", err, said)
			nested := exec.Command(os.Args[0], "run", "-n", "1", "--state-dir", "nested.dsss", "--", os.Args[0], "program", "3", "3")
			said, err = nested.CombinedOutput()
			fmt.Printf("nested: %v: %s", err, said)
		}
		check(err)
	}
	// Everybody's additions, of this run and of those before.
	want, err := strconv.ParseInt(args[len(args)-1], 10, 64)
	check(err)
	check(o.Await(ctx, func(c *counter) bool { return c.n >= want }))
	fmt.Println("counter", dsss.Read(o, func(c *counter) int64 { return c.n }))
	check(job.Close())
}
