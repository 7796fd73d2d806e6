package shapes

import "dsss/cmd/dsss-gen/internal/gen/testdata/coder"

// Coders are those of the states and of all arguments.
var Coders = []coder.Coder{
	coder.State("Shapes", buildShapes, readShapes),
	coder.Args("ShapesSetArgs", appendShapesSetArgs, decodeShapesSetArgs, readShapesSetArgs),
	coder.Args("ShapesReplaceArgs", appendShapesReplaceArgs, decodeShapesReplaceArgs, readShapesReplaceArgs),
}

// Queues are those of the instances of the generic class.
var Queues = []coder.Coder{
	coder.State("IntQueue", buildIntQueue, readIntQueue),
	coder.Args("IntQueuePushArgs", appendIntQueuePushArgs, decodeIntQueuePushArgs, readIntQueuePushArgs),
	coder.State("PairQueue", buildPairQueue, readPairQueue),
	coder.Args("PairQueuePushArgs", appendPairQueuePushArgs, decodePairQueuePushArgs, readPairQueuePushArgs),
}

// PushInts is the arguments of IntQueue's Push.
func PushInts(items ...int) []byte {
	buf, err := appendIntQueuePushArgs(nil, intQueuePushArgs{items})
	if err != nil {
		panic(err)
	}
	return buf
}
