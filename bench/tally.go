package main

//go:generate go run dsss/cmd/dsss-gen

// Tally is the shared object of the benchmark. Record does what a client of the raw relay does with a message, counts
// it, and checks besides that nothing was lost, repeated or reordered; so what is compared is the way of a call, not
// what a mutator may do.
//
//dsss:class name=bench.Tally
//dsss:hosted
type Tally struct {
	calls   uint64   // Records applied
	digest  uint64   // of all Records in their order
	broken  uint64   // Records whose number did not follow the last of the same client
	last    []uint64 // by client-1: number of its last Record
	arrived uint64
	cells   map[uint64]uint64
	block   []float64
	ballast []float64
}

// Record counts one update. Clients are numbered from 1, and each numbers its updates from 1. Three words, none of them
// zero, make the call 64 bytes long: 16 of call head and 48 of arguments.
//
//dsss:mutator id=1
func (t *Tally) Record(client, number, word uint64) {
	if client < 1 || client > clients {
		t.broken++
		return
	}
	if t.last == nil {
		t.last = make([]uint64, clients)
	}
	if number != t.last[client-1]+1 {
		t.broken++
	}
	t.last[client-1] = number
	t.calls++
	t.digest = (t.digest ^ client<<56 ^ number ^ word) * 0x100000001b3 // FNV-1a's step: depends on the order
}

// Arrive is a barrier: workers arrive, and await as many arrivals as they are.
//
//dsss:mutator id=2
func (t *Tally) Arrive() { t.arrived++ }

// Put sets a cell of the table that the getter reads.
//
//dsss:mutator id=3
func (t *Tally) Put(key, value uint64) {
	if t.cells == nil {
		t.cells = map[uint64]uint64{}
	}
	t.cells[key] = value
}

// Fill replaces the block of numbers: the large argument whose encoding is measured.
//
//dsss:mutator id=4
func (t *Tally) Fill(block []float64) { t.block = block }

// Load makes the state larger by n numbers, no two of which are equal.
//
//dsss:mutator id=5
func (t *Tally) Load(n uint64) {
	from := len(t.ballast)
	t.ballast = append(t.ballast, make([]float64, n)...)
	for i := from; i < len(t.ballast); i++ {
		t.ballast[i] = float64(i)
	}
}

// Draw is Record with a result: how many there have been.
//
//dsss:mutator id=6
func (t *Tally) Draw(client, number, word uint64) uint64 {
	t.Record(client, number, word)
	return t.calls
}

// At returns a cell: the getter that is measured.
func (t *Tally) At(key uint64) uint64 { return t.cells[key] }
