// Package stamp tells the time.
package stamp

import "time"

// Now returns seconds.
func Now() int64 {
	return time.Now().Unix()
}
