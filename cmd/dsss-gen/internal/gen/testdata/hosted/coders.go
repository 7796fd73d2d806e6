package hosted

import "dsss/cmd/dsss-gen/internal/gen/testdata/coder"

// Coders are those of the states, of all arguments of mutators, and of results and questions of each kind.
var Coders = []coder.Coder{
	coder.State("Depot", buildDepot, readDepot),
	coder.Args("DepotPutArgs", appendDepotPutArgs, decodeDepotPutArgs, readDepotPutArgs),
	coder.Args("DepotTakeArgs", appendDepotTakeArgs, decodeDepotTakeArgs, readDepotTakeArgs),
	coder.Args("DepotGrabArgs", appendDepotGrabArgs, decodeDepotGrabArgs, readDepotGrabArgs),
	coder.Args("DepotRenameArgs", appendDepotRenameArgs, decodeDepotRenameArgs, readDepotRenameArgs),
	coder.Args("DepotSwapArgs", appendDepotSwapArgs, decodeDepotSwapArgs, readDepotSwapArgs),
	coder.Args("DepotStampArgs", appendDepotStampArgs, decodeDepotStampArgs, readDepotStampArgs),
	coder.Args("DepotTickArgs", appendDepotTickArgs, decodeDepotTickArgs, readDepotTickArgs),
	coder.Args("DepotMoveArgs", appendDepotMoveArgs, decodeDepotMoveArgs, readDepotMoveArgs),

	coder.Args("DepotTakeResult", appendDepotTakeResult, decodeDepotTakeResult, readDepotTakeResult),
	coder.Args("DepotDrainResult", appendDepotDrainResult, decodeDepotDrainResult, readDepotDrainResult),
	coder.Args("DepotStampResult", appendDepotStampResult, decodeDepotStampResult, readDepotStampResult),
	coder.Args("DepotStatsResult", appendDepotStatsResult, decodeDepotStatsResult, readDepotStatsResult),
	coder.Args("DepotFindArgs", appendDepotFindArgs, decodeDepotFindArgs, readDepotFindArgs),
	coder.Args("DepotFindResult", appendDepotFindResult, decodeDepotFindResult, readDepotFindResult),
	coder.Args("DepotAnyResult", appendDepotAnyResult, decodeDepotAnyResult, readDepotAnyResult),
	coder.Args("DepotShelvesResult", appendDepotShelvesResult, decodeDepotShelvesResult, readDepotShelvesResult),
	coder.Args("DepotWholeResult", appendDepotWholeResult, decodeDepotWholeResult, readDepotWholeResult),
	coder.Args("DepotFromResult", appendDepotFromResult, decodeDepotFromResult, readDepotFromResult),
	coder.Args("DepotBothResult", appendDepotBothResult, decodeDepotBothResult, readDepotBothResult),
	coder.Args("DepotPhaseResult", appendDepotPhaseResult, decodeDepotPhaseResult, readDepotPhaseResult),
	coder.Args("DepotWeightsResult", appendDepotWeightsResult, decodeDepotWeightsResult, readDepotWeightsResult),
	coder.Args("DepotNamesResult", appendDepotNamesResult, decodeDepotNamesResult, readDepotNamesResult),
	coder.Args("DepotStartedResult", appendDepotStartedResult, decodeDepotStartedResult, readDepotStartedResult),
	coder.Args("DepotTicksResult", appendDepotTicksResult, decodeDepotTicksResult, readDepotTicksResult),
	coder.Args("DepotTitleResult", appendDepotTitleResult, decodeDepotTitleResult, readDepotTitleResult),
}

// Rings are those of the instances.
var Rings = []coder.Coder{
	coder.State("PartRing", buildPartRing, readPartRing),
	coder.Args("PartRingPushArgs", appendPartRingPushArgs, decodePartRingPushArgs, readPartRingPushArgs),
	coder.State("IntRing", buildIntRing, readIntRing),
	coder.Args("IntRingPushArgs", appendIntRingPushArgs, decodeIntRingPushArgs, readIntRingPushArgs),
}
