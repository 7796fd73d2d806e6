package keys

import "dsss/cmd/dsss-gen/internal/gen/testdata/coder"

// Coders are those of the state and of all arguments.
var Coders = []coder.Coder{
	coder.State("Table", buildTable, readTable),
	coder.Args("TablePutArgs", appendTablePutArgs, decodeTablePutArgs, readTablePutArgs),
	coder.Args("TableReplaceArgs", appendTableReplaceArgs, decodeTableReplaceArgs, readTableReplaceArgs),
}

// BuildParams writes the table of a key.
var BuildParams = buildTableParams
