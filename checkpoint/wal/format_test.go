package wal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"dsss/internal/vfs"
)

// TestFormatHasANumber holds a digest of the layout and the names beside their number. When they change, raise Format, and
// statedir.Format, so that other versions of DSSS refuse the log by name; then put the new digest here.
func TestFormatHasANumber(t *testing.T) {
	salt := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	record := appendRecord(nil, Record{First: 7, Count: 2, Data: []byte("data")}, 99, salt)
	layout := fmt.Sprintf("%s %s %x %x", segmentPath("", 7), spareName, segmentHeader{first: 7, tag: 5, salt: salt, log: 6, anew: true}.encode(), record)
	if got := fmt.Sprintf("%d %x", Format, sha256.Sum256([]byte(layout)))[:14]; got != "3 81567adf570f" {
		t.Errorf("number and layout are %q here: a layout and its number change together", got)
	}
}

// TestOtherFormat: a log of the build before, of one record, is refused in one line.
func TestOtherFormat(t *testing.T) {
	segment, err := hex.DecodeString("445353536c6f670a010000000000000000000000000000000102030405060708010203040506070802000000000000000000" +
		"00008fd4f794040000000100000001000000000000003800000000000000f1bb21aafdb4adaa63616c6c00000000")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeBytes(t, segmentPath(dir, 1), segment)
	const want = "has format 2, this program reads format 3: use the DSSS version that wrote it"
	_, _, err = Open(dir, Config{})
	for _, err := range []error{err, Check(dir, Bound{})} {
		if err == nil || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want … %s", err, want)
		}
	}
	if holds, err := Holds(vfs.OS, dir); !holds || err != nil {
		t.Errorf("it holds something: %v, %v", holds, err)
	}
}
