package chaos

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// A history of one client that appended 1 to 6 in a run that ended at 10 s; seqs are 101 to 106, the last one was asked
// for and not told of.
func history(durability string, end Kind) (c *Checker, l *log) {
	second := int64(time.Second)
	l = &log{run: 1, name: "journal", asked: map[int64]int64{7: 1}, records: []Record{
		{At: 1 * second, What: asked, Client: 7, First: 1, Count: 3},
		{At: 2 * second, What: told, Client: 7, First: 1, Count: 3, Seqs: []uint64{101, 102, 103}},
		{At: 3 * second, What: asked, Client: 7, First: 4, Count: 2},
		{At: 9*second + 9e8, What: told, Client: 7, First: 4, Count: 2, Seqs: []uint64{104, 105}},
		{At: 9*second + 9e8, What: asked, Client: 7, First: 6, Count: 1},
	}}
	r := &run{number: 1, ended: 10 * second, safe: 103, plan: RunPlan{End: Fault{Kind: end, Role: Launcher}}}
	return &Checker{plan: JobPlan{Durability: durability}, runs: []*run{r}, logs: map[string]*log{"journal": l}}, l
}

func TestCheckAppends(t *testing.T) {
	finished := Kind("")
	for _, c := range []struct {
		name, durability string
		end              Kind
		state            string
		change           func(l *log)
		want             string // in the error; empty: none
	}{
		{"right", "interval", finished, "list 7 5 1-5", nil, ""},
		{"the open one applied", "interval", finished, "list 7 6 1-6", nil, ""},
		{"one lost", "sync", finished, "list 7 4 1-3 5-5", nil, "number 4 of client 7, acknowledged at sequence number 104, is missing"},
		{"the last lost", "memory", Interrupt, "list 7 4 1-4", nil, "is missing: nothing may be"},
		{"the last lost under sync", "sync", Kill, "list 7 4 1-4", nil, "is missing: nothing may be"},
		{"all lost", "interval", finished, "", nil, "number 1 of client 7"},
		{"twice", "interval", finished, "list 7 6 1-3 3-5", nil, "applied twice or out of order"},
		{"out of order", "interval", finished, "list 7 5 1-2 4-4 3-3 5-5", nil, "applied twice or out of order"},
		{"hidden", "interval", finished, "list 7 6 1-5", nil, "has 5 entries and says 6"},
		{"never asked for", "interval", finished, "list 7 7 1-7", nil, "asked for no more than 6"},
		{"nobody's", "interval", finished, "list 7 5 1-5\nlist 8 1 1-1", nil, "client 8, who is nobody"},
		{"the end, under memory", "memory", Kill, "list 7 3 1-3", nil, ""},
		{"checkpointed, under memory", "memory", Kill, "list 7 2 1-2", nil, "a checkpoint had it"},
		{"the middle, under memory", "memory", Kill, "list 7 4 1-3 5-5", nil, "which came later, is there"},
		{"the end, under interval", "interval", Kill, "list 7 3 1-3", nil, ""},
		{"too much, under interval", "interval", Kill, "list 7 2 1-2", nil, "before the end"},
		{"not applied, but there", "interval", finished, "list 7 5 1-5",
			func(l *log) { l.records[3].Fates = []string{applied, notApplied} }, "was not applied"},
		{"not applied", "interval", finished, "list 7 4 1-4", func(l *log) { l.records[3].Fates = []string{applied, notApplied} }, ""},
		{"unconfirmed", "interval", finished, "list 7 4 1-4", func(l *log) { l.records[3].Fates = []string{applied, unconfirmed} }, ""},
		{"result lost, but not there", "interval", finished, "list 7 4 1-4",
			func(l *log) { l.records[3].Fates = []string{applied, resultLost} }, "is missing"},
		{"a future without an outcome", "interval", finished, "list 7 5 1-5",
			func(l *log) { l.records = append(l.records, Record{What: quiet}) }, "was told of 5 of 6"},
		{"said by the worker", "interval", finished, "list 7 5 1-5",
			func(l *log) { l.records = append(l.records, Record{What: broken, Client: 7, Text: "boom"}) }, "boom"},
	} {
		checker, l := history(c.durability, c.end)
		if checker.state = c.state; c.state != "" {
			checker.state += "\n"
		}
		if c.change != nil {
			c.change(l)
		}
		err := checker.check(NewTotal(1))
		if got := fmt.Sprint(err); (c.want == "") != (err == nil) || !strings.Contains(got, c.want) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
	}
}

func TestCheckRegisters(t *testing.T) {
	call := func(at, client int64, op string, old, value int64) Record {
		return Record{At: at, What: calling, Client: client, Op: op, Key: 5, Old: old, Value: value}
	}
	back := func(at, client int64, r Record) Record {
		r.At, r.What, r.Client = at, returned, client
		return r
	}
	for _, c := range []struct {
		name    string
		state   string
		records []Record
		ok      bool
	}{
		{"write and read", "register 5 9\n", []Record{call(1, 1, opWrite, 0, 9), back(2, 1, Record{}), call(3, 2, opRead, 0, 0), back(4, 2, Record{Value: 9})}, true},
		{"stale read", "register 5 9\n", []Record{call(1, 1, opWrite, 0, 9), back(2, 1, Record{}), call(3, 2, opRead, 0, 0), back(4, 2, Record{Value: 0})}, false},
		{"wrong predecessor", "register 5 9\n", []Record{call(1, 1, opWrite, 0, 9), back(2, 1, Record{Old: 4})}, false},
		{"lost at the end", "", []Record{call(1, 1, opWrite, 0, 9), back(2, 1, Record{})}, false},
		{"open, applied", "register 5 9\n", []Record{call(1, 1, opWrite, 0, 9)}, true},
		{"open, not applied", "", []Record{call(1, 1, opWrite, 0, 9)}, true},
		{"two swaps of one value", "register 5 3\n", []Record{call(1, 1, opSwap, 0, 2), call(1, 2, opSwap, 0, 3), back(2, 1, Record{Done: true}), back(2, 2, Record{Done: true})}, false},
		{"one swap of two", "register 5 2\n", []Record{call(1, 1, opSwap, 0, 2), call(1, 2, opSwap, 0, 3), back(2, 1, Record{Done: true}), back(2, 2, Record{})}, true},
		{"not applied, seen", "register 5 9\n", []Record{call(1, 1, opWrite, 0, 9), back(2, 1, Record{Fate: notApplied})}, false},
		{"result lost, not there", "", []Record{call(1, 1, opWrite, 0, 9), back(2, 1, Record{Fate: resultLost})}, false},
	} {
		l := &log{run: 1, name: "journal", asked: map[int64]int64{1: 1, 2: 1}, records: c.records}
		checker := &Checker{plan: JobPlan{Durability: "sync"}, runs: []*run{{number: 1}}, logs: map[string]*log{"journal": l}, state: c.state}
		if err := checker.check(NewTotal(1)); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A state that was written down is the one that is read back, and lists say what was done to them.
func TestDump(t *testing.T) {
	l, r := &Ledger{}, &Registers{}
	for _, n := range []int64{1, 2, 3, 3, 4, 6} {
		l.Append(-4, n)
	}
	r.Write(3, 8)
	r.Swap(3, 8, 9)
	r.Swap(3, 8, 10)
	text := l.Text() + r.Text()
	lists, registers, err := parseState(text)
	if err != nil || !reflect.DeepEqual(lists, l.lists) || !reflect.DeepEqual(registers, r.values) || registers[3] != 9 {
		t.Errorf("%q: %v %v %v", text, lists, registers, err)
	}
	want := []span{{1, 3}, {3, 4}, {6, 6}}
	if own := lists[-4]; own.length != 6 || !slices.Equal(own.spans, want) {
		t.Errorf("%+v", own)
	}
}

// A seed is a plan, and another seed another one.
func TestPlans(t *testing.T) {
	same := func(a, b uint64) bool {
		for i := range 6 {
			if !reflect.DeepEqual(PlanJob(a, i, true), PlanJob(b, i, true)) {
				return false
			}
		}
		return reflect.DeepEqual(PlanShort(a), PlanShort(b))
	}
	if !same(5, 5) || same(5, 6) {
		t.Error("plans do not follow from their seed alone")
	}
	seen := map[string]bool{}
	for i := range 60 {
		p := PlanJob(1, i, true)
		if end := p.Runs[len(p.Runs)-1].End; end.Kind != "" {
			t.Errorf("the last run of %v does not finish", p)
		}
		for _, r := range p.Runs {
			for _, f := range r.all() {
				seen[f.Name()] = true
			}
		}
	}
	if len(seen) != 22 {
		t.Errorf("%d faults: %v", len(seen), seen)
	}
}

// What was not written whole is not read.
func TestTornJournal(t *testing.T) {
	records, used, err := parseJournal([]byte("{\"w\":\"joined\"}\n{\"w\":\"qui"))
	if err != nil || len(records) != 1 || used != 15 {
		t.Errorf("%v %d %v", records, used, err)
	}
	if _, _, err := parseJournal([]byte("{]\n")); err == nil {
		t.Error("a damaged line was read")
	}
}
