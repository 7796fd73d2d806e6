package checkpoint

import (
	"crypto/sha256"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestFormatsHaveNumbers holds a digest of each layout beside its format number. When a layout changes, raise its number, and
// jobFormat, so that other versions of DSSS refuse the directory by name; then put the new digest here.
func TestFormatsHaveNumbers(t *testing.T) {
	schema, err := os.ReadFile("checkpoint.fbs")
	if err != nil {
		t.Fatal(err)
	}
	comments := regexp.MustCompile(`//[^\n]*|\s+`)
	id := segmentID{first: 7, part: 3}
	salt := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	record := appendRecord(nil, Record{First: 7, Count: 2, Data: []byte("data")}, 99, salt)
	for _, part := range []struct {
		name   string
		number int
		layout string
		digest string
	}{
		{"job.json (jobFormat)", jobFormat, fieldsOf(reflect.TypeFor[Job]()) + fieldsOf(reflect.TypeFor[classJSON]()), "5 c4efc7c953aa"},
		{"the names of files (jobFormat)", jobFormat, strings.Join([]string{jobFile, logDir, checkpointsDir, ownerFile, id.path(""), checkpointPath("", 7), refusedPath("", 7), spareName}, " "), "5 6d87dd922c10"},
		{"owner (jobFormat)", jobFormat, fieldsOf(reflect.TypeFor[ownerRecord]()), "5 4e0f6615a10a"},
		{"log segment (segmentVersion)", segmentVersion, fmt.Sprintf("%x %x", segmentHeader{segmentID: id, tag: 5, salt: salt, log: 6, anew: true}.encode(), record), "2 13af0572eea9"},
		{"checkpoint (trailerVersion)", trailerVersion, fmt.Sprintf("%x %s %d", (&trailer{length: 1, seq: 2, time: time.Unix(0, 3), run: 4, epoch: 5, objects: 6, digest: 7}).encode(),
			comments.ReplaceAllString(string(schema), " "), pageSize), "3 400862dd76f6"},
	} {
		got := fmt.Sprintf("%d %x", part.number, sha256.Sum256([]byte(part.layout)))[:14]
		if got != part.digest {
			t.Errorf("%s: number and layout are %q, here is %q: a layout and its number change together", part.name, got, part.digest)
		}
	}
}

// fieldsOf lists a struct's fields as JSON has them, those of structs in it included.
func fieldsOf(t reflect.Type) string {
	var b strings.Builder
	for i := range t.NumField() {
		f := t.Field(i)
		fmt.Fprintf(&b, "%s %s %v\n", f.Name, f.Tag.Get("json"), f.Type)
		e := f.Type
		for e.Kind() == reflect.Slice || e.Kind() == reflect.Pointer {
			e = e.Elem()
		}
		if e.Kind() == reflect.Struct && e.PkgPath() == t.PkgPath() {
			b.WriteString(fieldsOf(e))
		}
	}
	return b.String()
}
