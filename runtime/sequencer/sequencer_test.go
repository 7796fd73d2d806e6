package sequencer

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestTranscripts replays testdata/*: each command is an input, its output the effects. Run with -rewrite to accept a
// changed transcript.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var s *Sequencer
		var r *Recovery
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			in := Input{}
			scan(t, d, "session", &in.Session)
			scan(t, d, "request", &in.Request)
			var count uint64
			scan(t, d, "count", &count)
			in.Count = uint32(count)
			scan(t, d, "seq", &in.Sequence)
			scan(t, d, "epoch", &in.Epoch)
			switch d.Cmd {
			case "new":
				cfg := Config{Gated: d.HasArg("gated")}
				scan(t, d, "base", &cfg.Base)
				scan(t, d, "persisted", &cfg.Persisted)
				cfg.Starts = starts(t, d)
				if in.Session != 0 {
					cfg.Sessions = map[uint64]uint64{in.Session: in.Request}
				}
				s = New(cfg)
				return state(s)
			case "replay":
				in.Kind = Replay
			case "open":
				in.Kind = Open
			case "submit":
				in.Kind = Submit
			case "persisted":
				in.Kind = Persisted
			case "junk":
			case "recover":
				var disk uint64
				scan(t, d, "disk", &disk)
				r = NewRecovery(starts(t, d), disk, members(t, d))
				return choice(r)
			case "hear":
				c := Claim{Member: members(t, d)[0], Epoch: in.Epoch}
				scan(t, d, "applied", &c.Applied)
				scan(t, d, "recalls", &c.Recalls)
				r.Hear(c)
				return choice(r)
			case "lose", "gone":
				if d.Cmd == "lose" {
					r.Lose(members(t, d)[0])
				} else {
					r.Gone(members(t, d)[0])
				}
				return choice(r)
			case "stop":
				r.Stop()
				return choice(r)
			default:
				t.Fatalf("unknown command %s", d.Cmd)
			}
			var b strings.Builder
			for _, e := range s.Step(in) {
				b.WriteString(describe(e))
			}
			b.WriteString(state(s))
			return b.String()
		})
	})
}

func scan(t *testing.T, d *datadriven.TestData, key string, to any) {
	t.Helper()
	if d.HasArg(key) {
		d.ScanArgs(t, key, to)
	}
}

// starts reads starts=(EPOCH@BASE,...).
func starts(t *testing.T, d *datadriven.TestData) (out []Start) {
	t.Helper()
	for _, a := range d.CmdArgs {
		if a.Key != "starts" {
			continue
		}
		for _, v := range a.Vals {
			var s Start
			if _, err := fmt.Sscanf(v, "%d@%d", &s.Epoch, &s.Base); err != nil {
				t.Fatalf("%s: start %q: %v", d.Pos, v, err)
			}
			out = append(out, s)
		}
	}
	return out
}

// members reads members=(M,...).
func members(t *testing.T, d *datadriven.TestData) (out []int32) {
	t.Helper()
	for _, a := range d.CmdArgs {
		if a.Key != "members" {
			continue
		}
		for _, v := range a.Vals {
			var m int32
			if _, err := fmt.Sscan(v, &m); err != nil {
				t.Fatalf("%s: member %q: %v", d.Pos, v, err)
			}
			out = append(out, m)
		}
	}
	return out
}

func choice(r *Recovery) string {
	c := r.Choose()
	switch {
	case c.Ask:
		return fmt.Sprintf("ask %d from %d\n", c.Donor, c.First)
	case c.Wait:
		return "wait\n"
	}
	return "go on from checkpoint and log\n"
}

func describe(e Effect) string {
	switch e.Kind {
	case None:
		return ""
	case Opened:
		return fmt.Sprintf("opened session=%d ordered=%d\n", e.Session, e.Request)
	case Append:
		return fmt.Sprintf("append session=%d requests=%d..%d at=%d\n", e.Session, e.Request, e.Request+uint64(e.Count)-1, e.Sequence)
	case Drop:
		return fmt.Sprintf("drop session=%d requests=%d..%d\n", e.Session, e.Request, e.Request+uint64(e.Count)-1)
	case Release:
		return fmt.Sprintf("release to=%d\n", e.Sequence)
	}
	return fmt.Sprintf("%v: %s\n", e.Kind, e.Reason)
}

func state(s *Sequencer) string { return fmt.Sprintf("head=%d gate=%d\n", s.Head(), s.Gate()) }

// TestRandomHistories drives sequencers with resends, gaps, crashes (rebuilding from the log) and late disks, and
// checks after every step what a sequencer promises: consecutive sequence numbers, every request once and in order,
// a gate that never passes the head nor, when gated, the disk, and never goes back.
func TestRandomHistories(t *testing.T) {
	seeds := 2000
	if s := os.Getenv("DSSS_SEEDS"); s != "" {
		fmt.Sscan(s, &seeds)
	}
	for seed := range seeds {
		if err := history(rand.New(rand.NewPCG(uint64(seed), 1)), t); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

type batch struct {
	session, request, at uint64
	count                uint32
}

func history(r *rand.Rand, t *testing.T) error {
	gated := r.IntN(2) == 0
	s := New(Config{Gated: gated})
	var log []batch
	sent := map[uint64][]batch{} // what each session has cut
	var disk uint64
	for range 200 {
		gate := s.Gate()
		switch r.IntN(10) {
		default: // a new batch, or one sent before
			session := 1 + r.Uint64N(4)
			cut := sent[session]
			b := batch{session: session, request: 1, count: 1 + r.Uint32N(5)}
			if n := len(cut); n > 0 {
				b.request = cut[n-1].request + uint64(cut[n-1].count)
			}
			again := len(cut) > 0 && r.IntN(3) == 0
			if again {
				b = cut[r.IntN(len(cut))]
			}
			e := s.Step(Input{Kind: Submit, Session: b.session, Request: b.request, Count: b.count})[0]
			switch {
			case again && e.Kind != Drop:
				return fmt.Errorf("batch sent again gives %v", e.Kind)
			case !again && e.Kind != Append:
				return fmt.Errorf("new batch gives %v %s", e.Kind, e.Reason)
			case !again:
				b.at = e.Sequence
				sent[session] = append(cut, b)
				log = append(log, b)
			}
		case 7: // a gap is a breach
			session := 1 + r.Uint64N(4)
			next := uint64(1)
			if cut := sent[session]; len(cut) > 0 {
				next = cut[len(cut)-1].request + uint64(cut[len(cut)-1].count)
			}
			if e := s.Step(Input{Kind: Submit, Session: session, Request: next + 1 + r.Uint64N(3), Count: 1})[0]; e.Kind != Refuse {
				return fmt.Errorf("a gap gives %v", e.Kind)
			}
		case 8: // the disk takes some
			if len(log) > 0 {
				b := log[r.IntN(len(log))]
				if last := b.at + uint64(b.count) - 1; last >= disk {
					disk = last
					s.Step(Input{Kind: Persisted, Sequence: disk})
				}
			}
		case 9: // a crash: what is on disk comes back, the rest is sent again
			n := 0
			for n < len(log) && log[n].at+uint64(log[n].count)-1 <= disk {
				n++
			}
			log = log[:n]
			s = New(Config{Gated: gated})
			kept := map[uint64][]batch{}
			for _, b := range log {
				if e := s.Step(Input{Kind: Replay, Session: b.session, Request: b.request, Count: b.count, Sequence: b.at})[0]; e.Kind == Refuse {
					return fmt.Errorf("replay: %s", e.Reason)
				}
				kept[b.session] = append(kept[b.session], b)
			}
			sent = kept
			gate = 0
		}
		if err := check(s, log, gate, disk, gated); err != nil {
			return err
		}
	}
	return nil
}

func check(s *Sequencer, log []batch, gate, disk uint64, gated bool) error {
	next, last := uint64(1), map[uint64]uint64{}
	for _, b := range log {
		if b.at != next || b.request != last[b.session]+1 {
			return fmt.Errorf("batch %+v stands at %d behind request %d", b, next, last[b.session])
		}
		next += uint64(b.count)
		last[b.session] += uint64(b.count)
	}
	switch {
	case s.Head() != next-1:
		return fmt.Errorf("head %d, log ends at %d", s.Head(), next-1)
	case s.Gate() > s.Head() || s.Gate() < gate:
		return fmt.Errorf("gate went from %d to %d with head %d", gate, s.Gate(), s.Head())
	case gated && s.Gate() > disk:
		return fmt.Errorf("gate %d passed the disk at %d", s.Gate(), disk)
	case !gated && s.Gate() != s.Head():
		return fmt.Errorf("gate %d holds back head %d", s.Gate(), s.Head())
	}
	return nil
}
