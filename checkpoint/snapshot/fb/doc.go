// Package fb is the records of a checkpoint file, checkpoint/snapshot/checkpoint.fbs, as flatc writes them. Package snapshot
// verifies what it reads before it uses the accessors, which trust their buffer.
package fb
