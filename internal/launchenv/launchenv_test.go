package launchenv

import (
	"reflect"
	"strings"
	"testing"
)

// What the launcher writes is what a process reads.
func TestEnvRoundTrip(t *testing.T) {
	for _, want := range []Env{
		{Role: Worker, Job: "j", Rank: 1, Size: 2, Incarnation: 1<<63 + 7, Node: "n", Coordinator: "h:1", Token: []byte{1, 2}},
		{Role: Keeper, Job: "j", Rank: -1, Size: 2, Coordinator: "h:1", Token: []byte{1}, StateDir: "d"},
		{Role: Host, Job: "j", Rank: -2, Size: 2, Incarnation: 3, Coordinator: "h:1", Token: []byte{1}},
	} {
		for _, v := range want.Vars() {
			name, value, _ := strings.Cut(v, "=")
			t.Setenv(name, value)
		}
		if got, err := Read(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("read %+v, %v; want %+v", got, err, want)
		}
	}
	for _, bad := range []string{"", "-1", "x"} {
		t.Setenv(VarIncarnation, bad)
		if _, err := Read(); err == nil || !strings.HasPrefix(err.Error(), VarIncarnation+"=") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	t.Setenv(VarRole, "") // a program started apart by one of the job
	if got, err := Read(); err != nil || got.Incarnation != 0 {
		t.Errorf("read %+v, %v", got, err)
	}
}
