package session

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
	"dsss/internal/stream"
)

// named is a future that tells a transcript what it was told.
type named struct {
	request uint64
	told    func(string, ...any)
}

func (n *named) Put(error)          {}
func (n *named) Resolve(seq uint64) { n.told("call %d resolved at %d\n", n.request, seq) }
func (n *named) Fail(err error)     { n.told("call %d failed: %v\n", n.request, err) }

// Receive makes it the future of a hosted call.
func (n *named) Receive(data []byte, failed string) {
	n.told("call %d receives %q %s\n", n.request, data, failed)
}

// arg reads an argument of a command, if it has it.
func arg[T any](t *testing.T, d *datadriven.TestData, key string, to T) T {
	t.Helper()
	if d.HasArg(key) {
		d.ScanArgs(t, key, &to)
	}
	return to
}

var kinds = map[string]comm.Kind{"sync": comm.KindSync, "save": comm.KindSave, "leave": comm.KindLeave, "query": comm.KindQuery, "flush": 0}

// TestSenderTranscripts replays testdata/sender/*: each command is an input, its output what is to be done, what callers
// are told, and the state. Run with -rewrite to accept a changed transcript.
func TestSenderTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/sender", func(t *testing.T, path string) {
		var s *senderScript
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "new" {
				s = &senderScript{asked: map[string]*Question{}}
				b := limits.Default()
				b.Window, b.WindowBytes = arg(t, d, "window", b.Window), arg(t, d, "bytes", b.WindowBytes)
				b.AckCalls = arg(t, d, "ack", b.AckCalls)
				b.BatchAim, b.Posts, b.Spare = arg(t, d, "aim", b.BatchAim), arg(t, d, "posts", b.Posts), arg(t, d, "spare", b.Spare)
				s.q = newSender(7, b)
			} else {
				s.step(t, d)
			}
			return s.state()
		})
	})
}

type senderScript struct {
	q      sender
	out    strings.Builder
	parcel parcel
	taken  []*outBatch
	asked  map[string]*Question
}

func (s *senderScript) say(format string, args ...any) { fmt.Fprintf(&s.out, format, args...) }

func (s *senderScript) step(t *testing.T, d *datadriven.TestData) {
	q := &s.q
	switch d.Cmd {
	case "call":
		domain := uint64(0)
		if d.HasArg("hosted") {
			domain = stream.Hosted
		}
		if q.full(domain) {
			s.say("full\n")
			return
		}
		frame := append(q.begin(domain, 1, 2), make([]byte, arg(t, d, "size", 8))...)
		if err := q.commit(frame, &named{q.streams[domain].next, s.say}); err != nil {
			s.say("%v\n", err)
		}
	case "results-object":
		q.results = 9
	case "results":
		m := &resultOf{Result: comm.Result{Request: arg(t, d, "from", uint64(0)), Count: uint32(arg(t, d, "count", 1)), Sequence: arg(t, d, "seq", uint64(100))}}
		var records []byte
		outcome := map[string]wire.Outcome{"": wire.OutcomeDone, "failed": wire.OutcomeFailed, "lost": wire.OutcomeLost}[arg(t, d, "as", "")]
		for i := range uint64(m.Count) {
			records = comm.AppendOutcome(records, outcome, fmt.Append(nil, m.Request+i))
		}
		m.outcomes, _ = comm.OutcomesIn(records, m.Count)
		answers, err := q.answered(m)
		settle(answers)
		if err != nil {
			s.say("%v\n", err)
		}
	case "quiet":
		q.quiet()
	case "link":
		if err := q.link([stream.Domains]uint64{arg(t, d, "ordered", uint64(0)), arg(t, d, "hosted", uint64(0))}); err != nil {
			s.say("%v\n", err)
		}
	case "unlink":
		q.unlink()
	case "take":
		s.parcel = q.take(arg(t, d, "applied", uint64(0)))
		for _, b := range s.parcel.batches {
			s.say("write %s\n", describeBatch(b))
		}
		s.say("%s", messages(s.parcel.messages))
		if len(s.parcel.queries) > 0 {
			s.say("behind that %s", messages(s.parcel.queries))
		}
	case "wrote":
		q.wrote(s.parcel)
	case "own":
		b, err := q.own(arg(t, d, "request", uint64(0)), uint32(arg(t, d, "count", 1)))
		if err != nil {
			s.say("%v\n", err)
			return
		}
		s.taken = append(s.taken, b)
	case "spent":
		for _, b := range s.taken {
			ownBatch{b, 100 + b.request}.resolve()
			q.spent(b)
		}
		s.taken = nil
	case "caught-up":
		for _, b := range q.caughtUp(arg(t, d, "request", uint64(0))) {
			b.fail(ErrResultLost)
		}
	case "ask":
		name := arg(t, d, "kind", "")
		x := &Question{kind: kinds[name], done: make(chan struct{})}
		if x.kind == 0 {
			x.requests[0] = q.streams[0].next - 1
		}
		q.control.ask(q.id, x, 0)
		s.asked[fmt.Sprintf("%s %d", name, x.id)] = x
	case "answer":
		q.control.answer(answer{kind: kinds[arg(t, d, "kind", "")], id: arg(t, d, "id", uint64(0)), head: arg(t, d, "head", uint64(0))})
	case "settle":
		s.say("least %d\n", int64(q.control.settle(arg(t, d, "applied", uint64(0)), q.done(), q.idle())))
	case "post":
		q.control.post(comm.Frame(comm.KindSaved, savedMessage(arg(t, d, "id", uint64(0)))), q.bounds.Posts)
	case "position":
		q.control.position, q.control.due = true, true
	case "end":
		for _, b := range q.end(errors.New("over")) {
			s.say("told %d..%d, sent %v\n", b.request, b.last(), b.everSent)
		}
	default:
		t.Fatalf("unknown command %s", d.Cmd)
	}
}

// state says what is in flight, and what has been answered.
func (s *senderScript) state() string {
	for _, name := range slices.Sorted(maps.Keys(s.asked)) {
		x := s.asked[name]
		select {
		case <-x.done:
			s.say("%s ended: %v\n", name, x.err)
			delete(s.asked, name)
		default:
		}
	}
	for i, b := range s.q.queue {
		if i == s.q.cursor {
			s.say("| ")
		}
		s.say("%s", describeBatch(b))
		if !b.closed {
			s.say(" open")
		}
		s.say(" ")
	}
	s.say("flight=%d bytes=%d free=%d due=%v", s.q.streams[0].flight, s.q.streams[0].bytes, len(s.q.free), s.q.due())
	if h := s.q.streams[stream.Hosted]; h.next > 1 {
		s.say(" hosted: flight=%d bytes=%d done=%d acknowledged=%d", h.flight, h.bytes, h.done, s.q.acked)
	}
	s.say("\n")
	text := s.out.String()
	s.out.Reset()
	return text
}

// describeBatch is a batch's requests; those of the hosted stream have an h, and a ! if an acknowledgement comes first.
func describeBatch(b *outBatch) string {
	text := fmt.Sprintf("%d..%d", b.request, b.last())
	if b.domain == stream.Hosted {
		text = "h" + text
		if b.futures[0] == nil {
			text += "!"
		}
	}
	return text
}

// messages names the frames that lie one behind the other in b.
func messages(b []byte) string {
	var names strings.Builder
	for len(b) > 0 {
		size := comm.HeaderSize + int(b[0]) + int(b[1])<<8
		kind, body := comm.Kind(b[8]), b[comm.HeaderSize:size]
		switch kind {
		case comm.KindSaved:
			m, err := comm.ParseSaved(body)
			fmt.Fprintf(&names, "say %v %d %v\n", kind, m.Id, err)
		case comm.KindHeartbeat:
			m, err := comm.ParseHeartbeat(body)
			fmt.Fprintf(&names, "say %v at %d of session %d %v\n", kind, m.Applied, m.Session, err)
		default:
			fmt.Fprintf(&names, "say %v\n", kind)
		}
		b = b[size:]
	}
	return names.String()
}

// TestSenderAllocatesNothing: a call from its beginning to its result takes no memory, once there are spent batches.
func TestSenderAllocatesNothing(t *testing.T) {
	q := newSender(7, limits.Default())
	_ = q.link([2]uint64{0})
	f := &settledOnce{}
	args := make([]byte, 100)
	call := func() {
		if err := q.commit(append(q.begin(0, 1, 2), args...), f); err != nil || !q.due() {
			t.Fatalf("not to be written: %v", err)
		}
		q.wrote(q.take(0))
		b, err := q.own(q.streams[0].next-1, 1)
		if err != nil {
			t.Fatal(err)
		}
		q.spent(b)
	}
	if n := testing.AllocsPerRun(100, call); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
