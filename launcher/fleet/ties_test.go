package fleet

import (
	"bufio"
	"slices"
	"strings"
	"testing"

	"dsss/internal/machine"
)

// The guard kills what is left of the job when the parent-death signal does not.
func TestGuarded(t *testing.T) {
	for in, want := range map[string][]int{
		"":                   {},
		"+10\n":              {10},
		"+10\n-10\n":         {},
		"+10\n+11\n-10\n":    {11},
		"+10\n+11\n-10\n+1":  {11},
		"+0\n+-5\nx\n\n+7\n": {7},
		"+10\n+1234":         {10},
		"+10\n-10\n.\n":      {},
		"+10\n.\n":           {10},
	} {
		got, planned := guarded(bufio.NewReader(strings.NewReader(in)))
		slices.Sort(got)
		if !slices.Equal(got, want) || planned != strings.Contains(in, ".") {
			t.Errorf("guarded(%q) = %v, want %v", in, got, want)
		}
	}
}

func TestDescendants(t *testing.T) {
	all := []machine.Process{{PID: 1}, {PID: 2, Parent: 1}, {PID: 3, Parent: 2}, {PID: 4, Parent: 3}, {PID: 5, Parent: 2}, {PID: 6, Parent: 1}}
	got := descendants(2, all)
	slices.Sort(got)
	if !slices.Equal(got, []int{3, 4, 5}) {
		t.Errorf("got %v", got)
	}
}
