package wal

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// TestFormatHasANumber holds a digest of the layout and the names beside their number. When they change, raise Format, and
// statedir.Format, so that other versions of DSSS refuse the log by name; then put the new digest here.
func TestFormatHasANumber(t *testing.T) {
	id := segmentID{first: 7, part: 3}
	salt := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	record := appendRecord(nil, Record{First: 7, Count: 2, Data: []byte("data")}, 99, salt)
	layout := fmt.Sprintf("%s %s %x %x", id.path(""), spareName, segmentHeader{segmentID: id, tag: 5, salt: salt, log: 6, anew: true}.encode(), record)
	if got := fmt.Sprintf("%d %x", Format, sha256.Sum256([]byte(layout)))[:14]; got != "2 479b5b5a681d" {
		t.Errorf("number and layout are %q here: a layout and its number change together", got)
	}
}
