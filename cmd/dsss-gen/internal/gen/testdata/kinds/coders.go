package kinds

import "dsss/cmd/dsss-gen/internal/gen/testdata/coder"

// Coders are those of the state and of all arguments.
var Coders = []coder.Coder{
	coder.Of("Everything", coder.Built(buildEverything), decodeEverything, readEverything),
	coder.Of("EverythingSetArgs", appendEverythingSetArgs, decodeEverythingSetArgs, readEverythingSetArgs),
	coder.Of("EverythingReplaceArgs", appendEverythingReplaceArgs, decodeEverythingReplaceArgs, readEverythingReplaceArgs),
	coder.Of("EverythingPushArgs", appendEverythingPushArgs, decodeEverythingPushArgs, readEverythingPushArgs),
	coder.Of("EverythingWalkArgs", appendEverythingWalkArgs, decodeEverythingWalkArgs, readEverythingWalkArgs),
	coder.Of("EverythingMarkArgs", appendEverythingMarkArgs, decodeEverythingMarkArgs, readEverythingMarkArgs),
	coder.Of("EverythingNoteArgs", appendEverythingNoteArgs, decodeEverythingNoteArgs, readEverythingNoteArgs),
}
