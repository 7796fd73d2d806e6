package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strings"
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
	layout := fmt.Sprintf("%s %s %x %s %d %d", pathOf("", 7), refusedPath("", 7), end.encode(), schema, pageSize, blockSize)
	if got := fmt.Sprintf("%d %x", Format, sha256.Sum256([]byte(layout)))[:14]; got != "5 194a21fd4dbd" {
		t.Errorf("number and layout are %q here: a layout and its number change together", got)
	}
}

// TestOtherFormat: a file of the build before, by its trailer, is refused in one line.
func TestOtherFormat(t *testing.T) {
	end, err := hex.DecodeString("44535353636b70740060000000000000010000000000000000002a36fe9c971700000000000000000000000000000000" +
		"00000000030000001baf4ba30f3b193a")
	if err != nil {
		t.Fatal(err)
	}
	path := pathOf(t.TempDir(), 1)
	writeBytes(t, path, append(make([]byte, 0x6000), end...))
	const want = "has format 3, this program reads format 5: use the DSSS version that wrote it"
	if _, err := Open(path); err == nil || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want … %s", err, want)
	}
}
