package clock

import (
	"context"
	"fmt"
	"time"

	"dsss"
)

type T struct {
	at    time.Time
	nanos int64
	text  string
}

//dsss:mutator
func (t *T) Now() {
	t.at = time.Now() // want `mutator \(\*T\)\.Now is not deterministic: calls time\.Now: use Order\.Time of a first parameter dsss\.Order`
}

//dsss:mutator
func (t *T) Others(then time.Time) {
	_ = time.Since(then)         // want `calls time\.Since`
	_ = time.Until(then)         // want `calls time\.Until`
	time.Sleep(time.Second)      // want `calls time\.Sleep`
	_ = time.NewTimer(1)         // want `calls time\.NewTimer`
	time.AfterFunc(1, func() {}) // want `calls time\.AfterFunc`
	<-time.After(1)              // want `calls time\.After` `receives from a channel`
	for range time.Tick(1) {     // want `calls time\.Tick` `ranges over a channel`
	}
}

//dsss:mutator id=4
func (t *T) Deadline(ctx context.Context) {
	_, cancel := context.WithTimeout(ctx, 1) // want `calls context\.WithTimeout`
	defer cancel()
}

//dsss:mutator
func (t *T) Deferred() {
	defer time.Sleep(1) // want `calls time\.Sleep`
}

//dsss:mutator
func (t *T) Zone(n int64) {
	t.at = time.Unix(n, 0) // want `takes the machine's time zone by time\.Unix: add \.UTC\(\)`
	t.at = time.Unix(n, 0).UTC()
	t.nanos = time.UnixMilli(n).UnixNano()
	t.at = t.at.Local()                        // want `calls time\.Time\.Local`
	t.at = t.at.In(time.Local)                 // want `uses time\.Local`
	t.at, _ = time.Parse(time.RFC3339, t.text) // want `calls time\.Parse`
	t.at, _ = time.ParseInLocation(time.RFC3339, t.text, time.UTC)
}

// Ordered takes the time from the order; what is computed from it is the same everywhere.
//
//dsss:mutator
func (t *T) Ordered(o dsss.Order, d time.Duration) {
	t.at = o.Time().Add(d).Truncate(time.Hour)
	t.text = fmt.Sprintf("%v %s", t.at, t.at.Format(time.Kitchen))
	t.nanos = time.Date(2020, 1, 2, 3, 4, 5, 6, time.UTC).Sub(t.at).Nanoseconds()
}

// Getter is no mutator.
func (t *T) Getter() time.Duration { return time.Since(t.at) }

//dsss:mutators are not marks
func (t *T) Almost() { t.at = time.Now() }
