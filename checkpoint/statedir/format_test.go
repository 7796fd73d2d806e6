package statedir

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"dsss/checkpoint/snapshot"
	"dsss/checkpoint/wal"
)

// TestFormatHasANumber holds a digest of each layout beside the number. When one changes, or the format of log or
// checkpoints, raise Format, so that other versions of DSSS refuse the directory by name; then put the new digest here.
func TestFormatHasANumber(t *testing.T) {
	for _, part := range []struct {
		name   string
		layout string
		digest string
	}{
		{"job.json", fieldsOf(reflect.TypeFor[Job]()) + fieldsOf(reflect.TypeFor[classJSON]()), "5 87256181d618"},
		{"the names of files, and what is in them", fmt.Sprint(jobFile, logDir, checkpointsDir, ownerFile, wal.Format, snapshot.Format), "5 60e8b0777cdf"},
		{"owner", fieldsOf(reflect.TypeFor[ownerRecord]()), "5 4e0f6615a10a"},
	} {
		if got := fmt.Sprintf("%d %x", Format, sha256.Sum256([]byte(part.layout)))[:14]; got != part.digest {
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
		if e.Kind() == reflect.Struct && strings.HasPrefix(e.PkgPath(), "dsss/") {
			b.WriteString(fieldsOf(e))
		}
	}
	return b.String()
}
