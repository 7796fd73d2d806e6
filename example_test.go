package dsss_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"dsss"
	"dsss/examples/counter"
)

// scratch is a state directory for an example.
func scratch() (dir string, remove func()) {
	parent, err := os.MkdirTemp("", "dsss-example")
	if err != nil {
		log.Fatal(err)
	}
	return filepath.Join(parent, "state"), func() { _ = os.RemoveAll(parent) }
}

// A program with a proxy that dsss-gen wrote. The same code runs on one process, as here, and on many under dsss run.
func Example() {
	dir, remove := scratch()
	defer remove()
	ctx := context.Background()
	job, err := dsss.Join(ctx, dsss.Config{Name: "example", StateDir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer job.Close()
	hits, err := counter.OpenCounter(ctx, job, "hits")
	if err != nil {
		log.Fatal(err)
	}
	n, err := hits.Add(ctx, 3) // waits until our copy has it
	fmt.Println(n, err)
	f := hits.AddAsync(ctx, 4) // does not
	n, err = f.Wait(ctx)
	fmt.Println(n, err)
	_, err = hits.Add(ctx, -100)
	fmt.Println(errors.Is(err, counter.ErrNegative))
	fmt.Println(hits.Value())
	// Output:
	// 3 <nil>
	// 7 <nil>
	// true
	// 7
}

// The same class written by hand, with package class: dsss-gen spares you the codec of the arguments and a unique id for
// each mutator. See counter_test.go for both.
func ExampleCall() {
	dir, remove := scratch()
	defer remove()
	ctx := context.Background()
	job, err := dsss.Join(ctx, dsss.Config{Name: "example", StateDir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer job.Close()
	hits, err := dsss.Open(ctx, job, counterClass, "hits")
	if err != nil {
		log.Fatal(err)
	}
	n, err := dsss.Call(ctx, hits, counterAdd, 3)
	fmt.Println(n, err)
	fmt.Println(dsss.Read(hits, func(c *Counter) int64 { return c.n }))
	// Output:
	// 3 <nil>
	// 3
}
