package launcher

import (
	"fmt"
	"slices"
	"time"

	"dsss/internal/limits"
)

// A budget bounds how often something that ends is started again, so that what cannot run is not tried for ever.
type budget struct {
	row    int           // at most so many in a row without success between; 0: any number
	most   int           // and at most so many within window
	window time.Duration //

	since int         // started again since the last success
	times []time.Time // of those within window, oldest first
}

// The budgets of a coordinator, keeper or host, and of one rank.
func serviceBudget() budget {
	return budget{row: limits.RestartsInRow, most: limits.Restarts, window: limits.RestartWindow}
}

func rankBudget() budget { return budget{most: limits.Respawns, window: limits.RespawnWindow} }

// spend takes one start from the budget; what says what it was too much of, and is empty when there was one left.
func (b *budget) spend(now time.Time, success string) (what string) {
	b.times = slices.DeleteFunc(b.times, func(t time.Time) bool { return now.Sub(t) > b.window })
	switch {
	case b.row > 0 && b.since >= b.row:
		return fmt.Sprintf("started anew %d times in a row without %s", b.since, success)
	case len(b.times) >= b.most:
		return fmt.Sprintf("started anew %d times in %v", len(b.times), b.window)
	}
	b.since++
	b.times = append(b.times, now)
	return ""
}

// succeeded is called when what was started has shown that it works.
func (b *budget) succeeded() { b.since = 0 }
