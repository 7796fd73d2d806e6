// Package inspect reads the states of objects without the program that wrote them: by the schema that dsss-gen gives every class,
// which checkpoints keep, and the buffers that package flat writes.
//
// A state is a stream of [Event]: a struct begins, a field follows, its value, and so on, as its type nests, in the order of
// the fields' ids and of the maps' keys. [Walk] yields it, [Pick] what a path such as pool[3].bound leads to, and
// [FirstDifference] and [Differences] compare two of them. [JSON] and [Text] write one down. Nothing is held but the part that is
// being read, about 1 MiB, and what it stands in: a state may be larger than memory.
//
// Both schema and state are untrusted: what is malformed is an error, never a panic, and costs no more memory than what was read.
package inspect
