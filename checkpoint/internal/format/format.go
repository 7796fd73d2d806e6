// Package format is how the parts of a state directory refuse each other's past and future: by number. A leaf package.
package format

import (
	"errors"
	"fmt"
)

// ErrOther is wrapped by the errors about files that another version of DSSS wrote.
var ErrOther = errors.New("other format")

// Other returns the [ErrOther] about a part of a state directory that has another format than this program reads.
func Other(part string, has, want int) error {
	return fmt.Errorf("%w: %s has format %d, this program reads format %d: use the DSSS version that wrote it", ErrOther, part, has, want)
}
