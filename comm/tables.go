package comm

import (
	"maps"
	"slices"

	"dsss/comm/wire"
)

// PutTables has end say, of each session, the last request that the state holds, and for each rank its newest
// incarnation that has ended. Equal tables give equal messages.
func PutTables(end *wire.StateEndT, sessions map[uint64]uint64, ended map[int32]uint64) {
	for _, id := range slices.Sorted(maps.Keys(sessions)) {
		end.Sessions = append(end.Sessions, &wire.SessionT{Id: id, Request: sessions[id]})
	}
	for _, rank := range slices.Sorted(maps.Keys(ended)) {
		end.Ended = append(end.Ended, &wire.EndedT{Rank: int64(rank), Incarnation: ended[rank]})
	}
}

// Tables returns what PutTables was given. The maps are the caller's, and never nil.
func Tables(end *wire.StateEndT) (sessions map[uint64]uint64, ended map[int32]uint64) {
	sessions, ended = make(map[uint64]uint64, len(end.Sessions)), make(map[int32]uint64, len(end.Ended))
	for _, s := range end.Sessions {
		sessions[s.Id] = s.Request
	}
	for _, e := range end.Ended {
		ended[int32(e.Rank)] = e.Incarnation
	}
	return sessions, ended
}
