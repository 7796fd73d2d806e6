// Package stream says how requests are told apart. A leaf package.
//
// A session has a stream of requests for each domain of the order: requests are numbered from 1 in their stream, and a
// copy of one is known by its number. A stream's number is that of its session with the domain in the high bits, which
// are 0 in the number of a session. So who counts requests by stream needs to know of no domain.
package stream

// Domains of the order.
const (
	// Replicated is the domain that everybody subscribes to: the objects that every process holds, and the controls.
	Replicated = 0
	// Hosted is the domain of the objects that only host and keeper hold.
	Hosted = 1

	// Domains is how many there are.
	Domains = 2
)

// bits is how many a session's number has.
const bits = 60

// Coordinator is the session in which every coordinator of a job orders its controls, and its stream. No process has it.
const Coordinator uint64 = 1<<bits - 1

// Void is the stream of what a coordinator that took over had no copy of: hosted calls that nobody has seen the results of.
const Void = Coordinator | Hosted<<bits

// Of returns the number of a session's stream of requests to domain.
func Of(session, domain uint64) uint64 { return session | domain<<bits }

// Session returns the session of a stream. Of a number drawn at random it is a session's, too.
func Session(stream uint64) uint64 { return stream & (1<<bits - 1) }

// Domain returns the domain of a stream.
func Domain(stream uint64) uint64 { return stream >> bits }
