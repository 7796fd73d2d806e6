package class

// A hosted object's mutators and getters run on the host, away from their caller: what they return travels. A Reply is how
// the host takes it, a Receiver how the caller does.

// A Reply is the Future of a hosted call where the object is: the outcome, encoded.
type Reply struct {
	// Data has the encoded result behind what was there before; without a result, or with Err, nothing is added.
	Data []byte
	// Err is what the mutator or getter returned, or why its result could not be encoded.
	Err error
}

// Put sets the error.
func (r *Reply) Put(err error) { r.Err = err }

// Resolve does nothing: nobody waits here.
func (r *Reply) Resolve(uint64) {}

// Fail sets the error.
func (r *Reply) Fail(err error) { r.Err = err }

// A Receiver is the Future of a hosted call at its caller. Its outcome is put by Receive, and visible once resolved.
type Receiver interface {
	Future
	// Receive takes the encoded result, which is valid during the call and untrusted, or with failed, unless that is empty,
	// what the error said.
	Receive(data []byte, failed string)
}

// A Query is one getter of a class whose objects may be hosted, without its types: see Getter.
type Query struct {
	// ID tells the getters of a class apart in one build of a program. It is never 0.
	ID   uint32
	Name string
	// Read decodes and verifies args, calls the getter on obj and puts what it returned into to. It may not keep args.
	// Malformed arguments are the call's error. It is called under the replica's read side, by the host's
	// one reader: while it runs the host does nothing else.
	Read func(obj any, args []byte, to *Reply)
}
