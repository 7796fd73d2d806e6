package snapshot

import (
	"crypto/sha256"
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"
)

// TestFormatHasANumber holds a digest of the layout and the names beside their number. When they change, raise Format, and
// statedir.Format, so that other versions of DSSS refuse the file by name; then put the new digest here.
func TestFormatHasANumber(t *testing.T) {
	schema, err := os.ReadFile("checkpoint.fbs")
	if err != nil {
		t.Fatal(err)
	}
	schema = regexp.MustCompile(`//[^\n]*|\s+`).ReplaceAll(schema, []byte(" "))
	end := trailer{length: 1, seq: 2, time: time.Unix(0, 3), run: 4, epoch: 5, objects: 6, digest: 7}
	layout := fmt.Sprintf("%s %s %x %s %d", pathOf("", 7), refusedPath("", 7), end.encode(), schema, pageSize)
	if got := fmt.Sprintf("%d %x", Format, sha256.Sum256([]byte(layout)))[:14]; got != "3 d7483472d9e1" {
		t.Errorf("number and layout are %q here: a layout and its number change together", got)
	}
}
