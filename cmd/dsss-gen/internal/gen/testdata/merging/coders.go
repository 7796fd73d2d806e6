package merging

import "dsss/cmd/dsss-gen/internal/gen/testdata/coder"

// Coders are those of the states and of all arguments.
var Coders = []coder.Coder{
	coder.State("Stats", buildStats, readStats),
	coder.Args("StatsReportArgs", appendStatsReportArgs, decodeStatsReportArgs, readStatsReportArgs),
	coder.Args("StatsBinArgs", appendStatsBinArgs, decodeStatsBinArgs, readStatsBinArgs),
	coder.Args("StatsSeeArgs", appendStatsSeeArgs, decodeStatsSeeArgs, readStatsSeeArgs),
	coder.Args("StatsTickArgs", appendStatsTickArgs, decodeStatsTickArgs, readStatsTickArgs),
	coder.Args("StatsNoteArgs", appendStatsNoteArgs, decodeStatsNoteArgs, readStatsNoteArgs),
}
