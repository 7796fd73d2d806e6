package kinds

import "dsss/cmd/dsss-gen/internal/gen/testdata/coder"

// Coders are those of the state and of all arguments.
var Coders = []coder.Coder{
	coder.State("Everything", buildEverything, readEverything),
	coder.Args("EverythingSetArgs", appendEverythingSetArgs, decodeEverythingSetArgs, readEverythingSetArgs),
	coder.Args("EverythingReplaceArgs", appendEverythingReplaceArgs, decodeEverythingReplaceArgs, readEverythingReplaceArgs),
	coder.Args("EverythingPushArgs", appendEverythingPushArgs, decodeEverythingPushArgs, readEverythingPushArgs),
	coder.Args("EverythingWalkArgs", appendEverythingWalkArgs, decodeEverythingWalkArgs, readEverythingWalkArgs),
	coder.Args("EverythingMarkArgs", appendEverythingMarkArgs, decodeEverythingMarkArgs, readEverythingMarkArgs),
	coder.Args("EverythingNoteArgs", appendEverythingNoteArgs, decodeEverythingNoteArgs, readEverythingNoteArgs),
}
