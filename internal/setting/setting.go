// Package setting says what a person may set, by a flag, a variable or a field: the values that are allowed, how they are
// written, and in which words others are refused.
package setting

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"dsss/internal/limits"
)

// The settings that more than one of our commands and packages take.
var (
	Workers    = Range[int]{1, limits.Workers}
	Rank       = Range[int]{0, limits.Workers - 1}
	Keep       = Range[int]{1, limits.Kept}
	Interval   = Range[time.Duration]{limits.SettingLeast, limits.SettingMost} // between checkpoints
	MTBF       = Range[time.Duration]{time.Second, limits.SettingMost}
	Grace      = Range[time.Duration]{0, limits.GraceMost}
	Silence    = Range[time.Duration]{limits.SilenceLeast, time.Hour}
	Overhead   = Range[float64]{limits.OverheadLeast, 1}
	Shown      = Range[int]{0, limits.Shown}
	Durability = Choice{"memory", "interval", "sync"}
	OnFailure  = Choice{"abort", "continue", "respawn"}
)

// A Range is what a number may be, both ends included.
type Range[T int | float64 | time.Duration] struct{ Least, Most T }

// String renders the range as in "1 to 1024".
func (r Range[T]) String() string { return text(r.Least) + " to " + text(r.Most) }

// Check returns an error that says what is wanted when v is none of it. NaN is none.
func (r Range[T]) Check(v T) error {
	if v >= r.Least && v <= r.Most {
		return nil
	}
	return fmt.Errorf("want %v", r)
}

// Field checks the field of a struct whose zero value stands for its default.
func (r Range[T]) Field(name string, v T) error {
	switch {
	case v == 0 || r.Check(v) == nil:
		return nil
	case r.Least <= 0:
		return fmt.Errorf("%s is %s: want %v", name, text(v), r)
	}
	return fmt.Errorf("%s is %s: want %v, or 0 for the default", name, text(v), r)
}

func text[T int | float64 | time.Duration](v T) string {
	if d, ok := any(v).(time.Duration); ok {
		return Span(d)
	}
	return fmt.Sprint(v)
}

// Span renders a duration without parts that are zero: 24h, not 24h0m0s.
func Span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// A Choice is a list of words of which one is wanted.
type Choice []string

// String renders the choice as in "memory, interval or sync".
func (c Choice) String() string {
	last := len(c) - 1
	return strings.Join(c[:last], ", ") + " or " + c[last]
}

// Check returns an error that says what is wanted when s is none of it.
func (c Choice) Check(s string) error {
	if slices.Contains(c, s) {
		return nil
	}
	return fmt.Errorf("want %v", c)
}

// Field checks the field of a struct whose zero value stands for its default.
func (c Choice) Field(name, s string) error {
	if s == "" || c.Check(s) == nil {
		return nil
	}
	return fmt.Errorf("%s is %q: want %v", name, s, c)
}

// Int reads a whole number in a range.
func Int(s string, r Range[int]) (int, error) {
	v, err := strconv.Atoi(s)
	if err != nil || r.Check(v) != nil {
		return 0, fmt.Errorf("want a whole number from %v", r)
	}
	return v, nil
}

// Duration reads a duration in a range.
func Duration(s string, r Range[time.Duration]) (time.Duration, error) {
	v, err := time.ParseDuration(s)
	if err != nil || r.Check(v) != nil {
		return 0, fmt.Errorf("want a duration such as 30s or 1h30m, from %v", r)
	}
	return v, nil
}

// EndOnly is an interval between checkpoints that means: only at the end and when asked for.
const EndOnly = time.Duration(-1)

// Every reads an interval between checkpoints; "auto" is zero, and "0" is EndOnly.
func Every(s string) (time.Duration, error) {
	if s == "auto" {
		return 0, nil
	}
	v, err := time.ParseDuration(s)
	if err == nil && v == 0 {
		return EndOnly, nil
	}
	if err != nil || Interval.Check(v) != nil {
		return 0, fmt.Errorf("want auto, a duration such as 30s, from %v, or 0 for the end only", Interval)
	}
	return v, nil
}

// Share reads a share of time, such as 0.01 or 1%.
func Share(s string) (float64, error) {
	number, percent := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || Overhead.Check(v) != nil {
		return 0, fmt.Errorf("want a share such as 1%% or 0.01, from %v", Overhead)
	}
	return v, nil
}

// Name checks the name of a job, after which its state directory is called: a name of a file that can be printed.
func Name(s string) error {
	unprintable := func(r rune) bool { return r == '/' || !unicode.IsPrint(r) }
	if s == "" || s == "." || s == ".." || len(s) > limits.JobName || !utf8.ValidString(s) || strings.ContainsFunc(s, unprintable) {
		return fmt.Errorf("want a name of 1 to %d bytes that can be printed, without slashes", limits.JobName)
	}
	return nil
}

// Suggest returns the one of words that s was probably meant to be, a slip of a finger or two away; empty when none is.
func Suggest(s string, words []string) string {
	best, least := "", 1+min(2, len(s)/2)
	for _, w := range slices.Sorted(slices.Values(words)) {
		d := distance(s, w)
		if len(s) > 2 && strings.HasPrefix(w, s) {
			d = min(d, 1)
		}
		if d < least {
			best, least = w, d
		}
	}
	return best
}

// distance is how many letters must be added, removed, changed or swapped with their neighbour to make b of a
// (optimal string alignment).
func distance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, up, upper := rows[i%3], rows[(i+2)%3], rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			row[j] = min(up[j]+1, row[j-1]+1, up[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], upper[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}
