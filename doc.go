// Package dsss lets the processes of a parallel job share memory made of ordinary Go objects: it is a replicated state
// machine over a shared log.
//
// A program defines a struct with methods. dsss-gen writes a proxy for it. Every process of the job holds a full copy
// of every replicated object in its own memory; reading it is a local call, changing it is a call that all copies see in
// the same order; what was changed survives the job. Hosted objects, see below, are held by one process for all.
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
//   - Every process applies the same mutations in the same order; of hosted objects host and keeper do.
//   - A getter never sees half a mutator, never goes back in time, and sees what its own process has done. Sync first
//     makes it linearizable.
//   - A mutator that returned was applied once, whatever connections died meanwhile. One that could not be confirmed
//     says so with an error that names what is unknown.
//   - What "returned" means for the disk is the job's choice: Durability Memory, Interval or Sync.
//
// # What a mutator may do
//
// It runs on every process that holds the object and must do the same on each: no clock, no randomness (but those of an
// optional first parameter of type Order), no I/O, no goroutines, no globals, and no result or state that depends on the
// order of a map. It may change what its object holds and return what it likes.
//
// # Hosted objects
//
// A struct marked //dsss:hosted has a second proxy, of objects that only two processes hold: the host, which is the program
// once more, and the keeper, which writes checkpoints. Mutators are ordered with all others and run there, and what they
// return comes back to the caller, once. Getters are questions to the host, and linearizable; they take a context. There is
// no View and no Await. It is for big tables, and for queues that are mostly written. docs/hosted.md puts the two side by
// side.
//
//	tickets, err := OpenCounterHosted(ctx, job, "tickets") // generated
//	n, err := tickets.Add(ctx, 1)                          // runs on the host, whose answer it returns
//
// # Without generated code
//
// Generated code stands on package dsss/class, and so may a person: class.New names a type and the codec of its state,
// class.NewMutator gives one way to change it an id and the codec of its arguments. Open opens an object; Call, Go and
// Post change it; Read, View and Await read it. Of a hosted object they are OpenHosted, CallHosted, GoHosted and Ask.
package dsss
