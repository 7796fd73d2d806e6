package gen

import (
	"os"
	"strings"
	"testing"

	"dsss/cmd/dsss-gen/internal/gen/testdata/calls"
)

// TestExplain holds the whole text, and the bytes that it claims for two calls to what they are.
func TestExplain(t *testing.T) {
	got, err := Explain("testdata/explain")
	if err != nil {
		t.Fatal(err)
	}
	golden := "testdata/explain/want.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := Explain("testdata/errors/types"); err == nil {
		t.Error("no error about a package that is refused")
	}

	got, err = Explain("testdata/calls")
	if err != nil {
		t.Fatal(err)
	}
	two, err1 := calls.AppendTwo(nil, 1, 2)
	some, err2 := calls.AppendBytes(nil, make([]byte, typicalItems))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for _, c := range []struct {
		line string
		args []byte
	}{
		{"mutator 1 Two: 48 bytes a call, at fixed places", two},
		{"mutator 2 Bytes: 48 bytes a call, at fixed places", some},
	} {
		if !strings.Contains(got, c.line) || callHead+(len(c.args)+7)&^7 != 48 {
			t.Errorf("no %q, or another number than %d bytes of arguments, in\n%s", c.line, len(c.args), got)
		}
	}
}
