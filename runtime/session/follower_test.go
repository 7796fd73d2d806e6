package session

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/limits"
)

func savedMessage(id uint64) *wire.SavedT { return &wire.SavedT{Id: id} }

// orderedMark is a batch as the coordinator sends it, whose calls are marks of that number.
func orderedMark(session, request, sequence uint64, count uint32, mark uint64) []byte {
	frame := comm.BeginBatch(nil)
	for range count {
		frame = comm.AppendCall(frame, comm.CatalogID, comm.ControlID, comm.ControlArgs(&wire.ControlT{Kind: wire.ControlKindMark, Id: mark}))
	}
	comm.FinishBatch(frame, session, request, count)
	comm.Order(frame, sequence, 1, 1, 0)
	return frame[comm.HeaderSize:]
}

// TestFollowerTranscripts replays testdata/follower/*: each command is what the coordinator sends to session 7, its output
// what the session is to do. hold brings several batches in one hold. Run with -rewrite to accept a changed transcript.
func TestFollowerTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/follower", func(t *testing.T, path string) {
		var s *Session
		var b strings.Builder
		tell := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			b.Reset()
			switch d.Cmd {
			case "new":
				bounds := limits.Default()
				bounds.Armed, bounds.TailAck = arg(t, d, "armed", bounds.Armed), arg(t, d, "ack", bounds.TailAck)
				bounds.ApplyHold = arg(t, d, "hold", bounds.ApplyHold)
				s = New(Config{Limits: bounds}, 7)
				s.follower.tail.Keep = true
			case "submit":
				for range arg(t, d, "count", 1) {
					if err := s.Submit(t.Context(), comm.CatalogID, comm.ControlID, comm.ControlArgs(&wire.ControlT{Kind: wire.ControlKindMark, Id: 0}), &named{s.out.streams[0].next, tell}, false); err != nil {
						t.Fatal(err)
					}
				}
			case "hold":
				hold(t, s, d.Input, tell)
			case "frame":
				kind, m := message(t, d)
				e, err := s.follower.frame(kind, comm.Frame(kind, m)[comm.HeaderSize:])
				tellEffects(e, err, tell)
			default:
				t.Fatalf("unknown command %s", d.Cmd)
			}
			tell("applied=%d remembers from %d\n", s.follower.replica.Applied(), int64(s.follower.tail.First()))
			return b.String()
		})
	})
}

// hold brings the batches of lines of session, request, sequence number, count and mark, as long as the follower takes more.
func hold(t *testing.T, s *Session, lines string, tell func(string, ...any)) {
	s.follower.begin()
	var err error
	for line := range strings.Lines(lines) {
		if err != nil || !s.follower.more() {
			tell("no more\n")
			break
		}
		var session, request, sequence, mark uint64
		var count uint32
		if _, err := fmt.Sscan(line, &session, &request, &sequence, &count, &mark); err != nil {
			t.Fatal(err)
		}
		err = s.follower.batch(orderedMark(session, request, sequence, count, mark))
	}
	e := s.follower.end()
	for _, o := range e.ours {
		o.resolve()
	}
	tellEffects(e, err, tell)
	tellEffects(s.follower.atMark(), nil, tell)
}

func tellEffects(e effects, err error, tell func(string, ...any)) {
	if e.position {
		tell("say how far\n")
	}
	if e.membered {
		tell("members %v\n", e.members)
	}
	if a := e.answer; a != nil {
		tell("answer %v %d: head %d, position %d %v, error %v\n", a.kind, a.id, a.head, a.position.Head, a.position.Stats, a.err)
	}
	if m := e.digest; m != nil {
		tell("digest %d at %d of session %d\n", m.Id, m.Sequence, m.Session)
	}
	if m := e.save; m != nil {
		tell("save %d, %v\n", m.Id, m.Want)
	}
	for is, target := range map[string]error{"protocol": comm.ErrProtocol, "closed": ErrClosed, "evicted": ErrEvicted, "stopped": ErrStopped} {
		if errors.Is(err, target) {
			tell("(%s) ", is)
		}
	}
	if err != nil {
		tell("%v\n", err)
	}
}

// message is what a frame command describes.
func message(t *testing.T, d *datadriven.TestData) (comm.Kind, comm.Message) {
	id, seq, session := arg(t, d, "id", uint64(0)), arg(t, d, "seq", uint64(0)), arg(t, d, "session", uint64(7))
	text := arg(t, d, "text", "")
	switch kind := arg(t, d, "kind", ""); kind {
	case "heartbeat":
		return comm.KindHeartbeat, &wire.HeartbeatT{Stable: seq, Session: session}
	case "synced":
		return comm.KindSynced, &wire.SyncedT{Id: id, Head: seq, Session: session}
	case "saved":
		return comm.KindSaved, &wire.SavedT{Id: id, Sequence: seq, Error: text, Session: session}
	case "save":
		return comm.KindSave, &wire.SaveT{Id: id, Want: wire.EnumValuesWant[text], Pieces: 1, Session: session}
	case "members":
		return comm.KindMembers, &wire.MembersT{Sequence: seq, Ranks: []uint64{0, id}, Session: session}
	case "stop":
		return comm.KindStop, &wire.StopT{Reason: text, Evicted: d.HasArg("evicted"), Session: session}
	case "leave":
		return comm.KindLeave, &wire.LeaveT{Session: session}
	default:
		t.Fatalf("unknown kind %s", kind)
		return 0, nil
	}
}
