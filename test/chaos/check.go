package chaos

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"dsss/internal/limits"
)

// Underway is what is granted to the write and sync that were under way when a job under durability interval lost all
// its processes, besides limits.LogInterval.
const Underway = time.Second

// A Checker compares what the workers of a job were told with the state that is left.
//
// Some runs end in a way that their durability does not survive whole: then the end of the order may be missing, and
// nothing else. Of a launcher that is killed under memory, what is behind the last checkpoint; under interval, what was
// acknowledged within limits.LogInterval of the kill and during what was under way then; of a full disk under interval,
// the same before the last acknowledgement. Under sync nothing is.
type Checker struct {
	plan  JobPlan
	runs  []*run
	logs  map[string]*log
	state string

	lists     map[int64]list
	registers map[int64]int64
	errs      []error
}

// check returns what does not hold, and adds to total what was seen.
func (c *Checker) check(total *Total) error {
	var err error
	if c.lists, c.registers, err = parseState(c.state); err != nil {
		return err
	}
	clients := map[int64]string{}
	for _, l := range c.logs {
		for client := range l.asked {
			if other, twice := clients[client]; twice {
				return fmt.Errorf("%s and %s are one client", other, l.name)
			}
			clients[client] = l.name
		}
	}
	for client := range c.lists {
		if clients[client] == "" {
			c.failf("the state has a list of client %d, who is nobody", client)
		}
	}
	for _, r := range c.runs {
		c.checkRun(r, total)
	}
	total.job(c.plan)
	total.Broken += len(c.errs)
	return errors.Join(c.errs[:min(len(c.errs), 20)]...)
}

func (c *Checker) failf(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// A missing mutation was acknowledged, and is not in the state.
type missing struct {
	client, number int64
	seq            uint64
	at             int64 // when the acknowledgement was noted
}

// checkRun checks one run.
func (c *Checker) checkRun(r *run, total *Total) {
	var gone []missing
	var acks []int64 // when
	highest := uint64(0)
	for _, l := range c.logs {
		if l.run != r.number {
			continue
		}
		for _, rec := range l.records {
			switch {
			case rec.What == broken:
				c.failf("%s: client %d: %s", l.name, rec.Client, rec.Text)
			case (rec.What == told || rec.What == returned) && rec.Fate == applied && rec.Fates == nil:
				acks = append(acks, rec.At)
			}
		}
		g, h := c.checkLog(l, total)
		gone, highest = append(gone, g...), max(highest, h)
	}
	slices.Sort(acks)
	lossy := c.checkGone(r, gone, highest, acks, total)
	c.checkRegisters(r, !lossy, total)
	total.run(c.plan, r, acks)
}

// checkLog checks the appends of one worker. It returns what is missing and the highest sequence number of what is not.
func (c *Checker) checkLog(l *log, total *Total) (gone []missing, highest uint64) {
	type client struct {
		asked int64 // highest number
		told  int64
	}
	clients := map[int64]*client{}
	for _, rec := range l.records {
		switch rec.What {
		case asked:
			if clients[rec.Client] == nil {
				clients[rec.Client] = &client{}
				c.checkList(l, rec.Client)
			}
			clients[rec.Client].asked = rec.First + int64(rec.Count) - 1
			total.Asked += int64(rec.Count)
		case told:
			own := c.lists[rec.Client]
			clients[rec.Client].told = rec.First + int64(rec.Count) - 1
			for i := range rec.Count {
				number, fate := rec.First+int64(i), applied
				if rec.Fates != nil {
					fate = rec.Fates[i]
				}
				present := own.has(number)
				switch {
				case fate == applied && present:
					total.Acknowledged++
					highest = max(highest, rec.Seqs[i])
				case fate == applied || fate == resultLost && !present:
					gone = append(gone, missing{rec.Client, number, rec.Seqs[i], rec.At})
				case fate == resultLost:
					total.ResultLost++
				case fate == notApplied && present:
					c.failf("%s: client %d was told that %d was not applied (%s), but it is there", l.name, rec.Client, number, rec.Errors)
				case fate == notApplied:
					total.NotApplied++
				default:
					total.Unknown++
				}
			}
		case quiet, leaving:
			for id, own := range clients {
				if own.told != own.asked {
					c.failf("%s: client %d is quiet, but was told of %d of %d", l.name, id, own.told, own.asked)
				}
			}
		}
	}
	for id, own := range clients {
		total.Unknown += own.asked - own.told
		if s := c.lists[id].spans; len(s) > 0 && s[len(s)-1].last > own.asked {
			c.failf("%s: the list of client %d has %d, but it asked for no more than %d", l.name, id, s[len(s)-1].last, own.asked)
		}
	}
	return gone, highest
}

// checkList: every number at most once, in order.
func (c *Checker) checkList(l *log, client int64) {
	before, length := int64(0), int64(0)
	for _, s := range c.lists[client].spans {
		if s.first <= before || s.last < s.first {
			c.failf("%s: the list of client %d has %d-%d behind %d: applied twice or out of order", l.name, client, s.first, s.last, before)
		}
		before, length = s.last, length+s.last-s.first+1
	}
	if length != c.lists[client].length {
		c.failf("%s: the list of client %d has %d entries and says %d", l.name, client, length, c.lists[client].length)
	}
}

// has tells whether a list that passes checkList has the number.
func (l list) has(number int64) bool {
	i := sort.Search(len(l.spans), func(i int) bool { return l.spans[i].last >= number })
	return i < len(l.spans) && l.spans[i].first <= number
}

// checkGone holds what is missing against what the run's end may have cost. It tells whether anything may.
func (c *Checker) checkGone(r *run, gone []missing, highest uint64, acks []int64, total *Total) (lossy bool) {
	end := r.plan.End.Kind
	lossy = c.plan.Durability == "memory" && end == Kill || c.plan.Durability == "interval" && (end == Kill || end == Fill)
	death := r.ended
	if end == Fill && len(acks) > 0 {
		death = acks[len(acks)-1]
	}
	granted := int64(limits.LogInterval + Underway)
	for _, m := range gone {
		why := ""
		switch {
		case !lossy:
			why = "nothing may be"
		case m.seq == 0:
			why = "its place in the order is not known" // a result was lost, and with it where
		case m.seq < highest:
			why = fmt.Sprintf("%d, which came later, is there", highest)
		case c.plan.Durability == "memory" && m.seq <= r.safe:
			why = fmt.Sprintf("a checkpoint had it, at %d", r.safe)
		case c.plan.Durability == "interval" && death-m.at > granted:
			why = fmt.Sprintf("it was acknowledged %v before the end", time.Duration(death-m.at))
		}
		if why != "" {
			total.Lost++
			c.failf("run %d, which ended with %q under %s: number %d of client %d, acknowledged at sequence number %d, is missing: %s",
				r.number, r.plan.End.Name(), c.plan.Durability, m.number, m.client, m.seq, why)
			continue
		}
		total.granted(c.plan.Durability, time.Duration(death-m.at))
	}
	return lossy
}
