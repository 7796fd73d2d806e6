package evolved

import "dsss/cmd/dsss-gen/internal/gen/testdata/coder"

// Coders are those of the states and of all arguments.
var Coders = []coder.Coder{
	coder.State("T", buildT, readT),
	coder.Args("TSetArgs", appendTSetArgs, decodeTSetArgs, readTSetArgs),
	coder.Args("TAddLongArgs", appendTAddLongArgs, decodeTAddLongArgs, readTAddLongArgs),
	coder.Args("TAddArgs", appendTAddArgs, decodeTAddArgs, readTAddArgs),
}
