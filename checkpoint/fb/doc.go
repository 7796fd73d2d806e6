// Package fb is the records of a checkpoint file, checkpoint/checkpoint.fbs, as flatc writes them. Package checkpoint
// verifies what it reads before it uses the accessors, which trust their buffer.
package fb
