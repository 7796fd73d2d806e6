// Package comm is how the processes of a job talk: frames over TCP, the FlatBuffers messages inside them, the batch,
// and the control connection of the launcher. It knows no user class, and neither order nor durability: it moves bytes
// and checks them.
//
// # A frame
//
// Everything on a connection is a frame: a header of 16 bytes and a body of at most [limits.Frame] bytes, which is one
// FlatBuffers buffer whose table the header's kind names. Header and body each carry a CRC32C (Castagnoli, RFC 3720
// appendix B.4). See frame.go for the bytes, schema/comm.fbs for the tables.
//
// # A conversation
//
//	dials           Hello                   who, which job, which classes, how far its replica is
//	listens         Welcome | Refuse
//	listens         StateObject StateChunk… StateEnd       only when Welcome says so
//	dials           Batch…                  calls, in order of their request numbers
//	listens         Batch…                  all calls, in the one order
//	both            Heartbeat, Sync/Synced/Stats, Save/Saved, Progress, Panic, Leave/Stop
//
// A peer that breaks the protocol loses its connection with an error that says how, and nothing else happens.
//
//go:generate ./generate.sh
package comm
