package shapes

import "dsss/cmd/dsss-gen/internal/gen/testdata/coder"

// Coders are those of the states and of all arguments.
var Coders = []coder.Coder{
	coder.State("Shapes", buildShapes, readShapes),
	coder.Args("ShapesSetArgs", appendShapesSetArgs, decodeShapesSetArgs, readShapesSetArgs),
	coder.Args("ShapesReplaceArgs", appendShapesReplaceArgs, decodeShapesReplaceArgs, readShapesReplaceArgs),
}

// PushInts is the arguments of IntQueue's Push.
func PushInts(items ...int) []byte {
	buf, err := appendIntQueuePushArgs(nil, intQueuePushArgs{items})
	if err != nil {
		panic(err)
	}
	return buf
}
