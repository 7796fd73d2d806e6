package counter

import "dsss/cmd/dsss-gen/internal/gen/testdata/coder"

// Coders are those of the states and of all arguments.
var Coders = []coder.Coder{
	coder.State("Counter", buildCounter, readCounter),
	coder.Args("CounterAddArgs", appendCounterAddArgs, decodeCounterAddArgs, readCounterAddArgs),
}
