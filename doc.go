// Package dsss lets the processes of a parallel job share memory made of ordinary Go objects: it is a replicated state
// machine over a shared log.
//
// A program defines a struct with methods. dsss-gen writes a proxy for it. Every process of the job holds a full copy
// of every shared object in its own memory; reading it is a local call, changing it is a call that all copies see in
// the same order; what was changed survives the job.
//
//	func main() { dsss.Main(work) }
//
//	func work(ctx context.Context, job *dsss.Job) error {
//		hits, err := OpenCounter(ctx, job, "hits") // generated: the object of that name
//		if err != nil {
//			return err
//		}
//		n, err := hits.Add(ctx, 1)  // a mutator: ordered, applied everywhere, exactly once
//		fmt.Println(n, hits.Value()) // a getter: this process's own memory
//		return err
//	}
//
// Under dsss run the program is one of several workers of a job; without it, a job of its own.
//
// # What is promised
//
//   - A mutator runs once, whole and alone, on every copy. One that returns an error has changed nothing; one that
//     panics stops the job at that mutation, and a resumed job goes on without it.
//   - Every process applies the same mutations in the same order.
//   - A getter never sees half a mutator, never goes back in time, and sees what its own process has done. Sync first
//     makes it linearizable.
//   - A mutator that returned was applied once, whatever connections died meanwhile. One that could not be confirmed
//     says so with an error that names what is unknown.
//   - What "returned" means for the disk is the job's choice: Durability Memory, Interval or Sync.
//
// # What a mutator may do
//
// It runs on every process and must do the same on each: no clock, no randomness (but those of an optional first
// parameter of type Order), no I/O, no goroutines, no globals, and no result or state that depends on the order of a
// map. It may change what its object holds and return what it likes.
//
// # Without generated code
//
// Generated code stands on package dsss/class, and so may a person: class.New names a type and the codec of its state,
// class.NewMutator gives one way to change it an id and the codec of its arguments. Open opens an object; Call, Go and
// Post change it; Read, View and Await read it.
package dsss
