package calls

import "dsss/cmd/dsss-gen/internal/gen/testdata/coder"

// Coders are those of the states and of all arguments.
var Coders = []coder.Coder{
	coder.State("T", buildT, readT),
	coder.Args("TTwoArgs", appendTTwoArgs, decodeTTwoArgs, readTTwoArgs),
	coder.Args("TBytesArgs", appendTBytesArgs, decodeTBytesArgs, readTBytesArgs),
}
