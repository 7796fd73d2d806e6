// Package limits names every bound of DSSS in one place, each with its reason.
//
// A queue, window, batch, frame, file or retry that has no line here is a defect.
// The package is a leaf: it imports nothing, and every other package may import it.
package limits
