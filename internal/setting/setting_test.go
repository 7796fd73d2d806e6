package setting

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestSuggest(t *testing.T) {
	words := []string{"run", "join", "leave", "save", "checkpoint", "vet", "version", "state-dir", "durability"}
	for s, want := range map[string]string{
		"rnu": "run", "runn": "run", "jion": "join", "checkpiont": "checkpoint", "check": "checkpoint", "ver": "version", "state_dir": "state-dir",
		"durabilty": "durability", "frob": "", "x": "", "": "", "rum": "run", "safe": "save", "statedir": "state-dir", "ls": "",
	} {
		if got := Suggest(s, words); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "ab", 2}, {"ab", "", 2}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "abxc", 1}, {"kitten", "sitting", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestRanges(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", time.Second: "1s", time.Hour: "1h", 90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s", 10 * time.Minute: "10m", time.Millisecond: "1ms"} {
		if got := Span(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
	if Overhead.Check(math.NaN()) == nil {
		t.Error("NaN is in a range")
	}
	for _, good := range []string{"a", "job 7", "übung", strings.Repeat("x", 200)} {
		if err := Name(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	if err := Keep.Field("Config.Keep", -1); err == nil || err.Error() != "Config.Keep is -1: want 1 to 1000, or 0 for the default" {
		t.Error(err)
	}
	if err := Keep.Field("Config.Keep", 0); err != nil {
		t.Error(err)
	}
}
