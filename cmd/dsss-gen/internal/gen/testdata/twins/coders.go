package twins

import "dsss/cmd/dsss-gen/internal/gen/testdata/coder"

// Coders are those of the states and of all arguments.
var Coders = []coder.Coder{
	coder.State("Book", buildBook2, readBook2),
	coder.Args("BookAddArgs", appendBookAddArgs, decodeBookAddArgs, readBookAddArgs),
	coder.State("Shelf", buildShelf, readShelf),
	coder.Args("ShelfPutArgs", appendShelfPutArgs, decodeShelfPutArgs, readShelfPutArgs),
}
