package version

import (
	"regexp"
	"runtime/debug"
	"testing"
)

func TestBuild(t *testing.T) {
	rev := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef"}
	changed := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for want, info := range map[string]debug.BuildInfo{
		"(devel)":  {},
		"v1.2.3":   {Main: debug.Module{Path: "dsss", Version: "v1.2.3"}},
		"v0.0.0-2": {Main: debug.Module{Path: "example.com/pi", Version: "v9"}, Deps: []*debug.Module{{Path: "x"}, {Path: "dsss", Version: "v0.0.0-2"}}, Settings: []debug.BuildSetting{rev}},
		"v0.0.0-20261123000000-0123456789ab+dirty":      {Main: debug.Module{Path: "dsss", Version: "v0.0.0-20261123000000-0123456789ab+dirty"}, Settings: []debug.BuildSetting{rev, changed}},
		"(devel) (revision 0123456789abcdef, modified)": {Main: debug.Module{Path: "dsss", Version: "(devel)"}, Settings: []debug.BuildSetting{rev, changed}},
		"v1.2.3 (revision 0123456789abcdef)":            {Main: debug.Module{Path: "dsss", Version: "v1.2.3"}, Settings: []debug.BuildSetting{rev}},
	} {
		if got := build(&info); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if s := Line("dsss"); !regexp.MustCompile(`^dsss .+, protocol \d+, formats: state directory \d+, log \d+, checkpoint \d+, go\S+ \w+/\w+$`).MatchString(s) {
		t.Error(s)
	}
}
