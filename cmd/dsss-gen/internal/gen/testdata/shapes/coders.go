package shapes

import "dsss/cmd/dsss-gen/internal/gen/testdata/coder"

// Coders are those of the states and of all arguments.
var Coders = []coder.Coder{
	coder.Of("Shapes", coder.Built(buildShapes), decodeShapes, readShapes),
	coder.Of("ShapesSetArgs", appendShapesSetArgs, decodeShapesSetArgs, readShapesSetArgs),
	coder.Of("ShapesReplaceArgs", appendShapesReplaceArgs, decodeShapesReplaceArgs, readShapesReplaceArgs),
}

// PushInts is the arguments of IntQueue's Push.
func PushInts(items ...int) []byte { return appendIntQueuePushArgs(nil, intQueuePushArgs{items}) }
