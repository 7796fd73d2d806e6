package order

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"dsss/comm/wire"
	"dsss/internal/protocol"
	"dsss/internal/stream"
)

// TestTranscripts replays testdata/*: each command is an event, its output the effects. Run with -rewrite to accept a
// changed transcript.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var m *Machine
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			a := args{t, d}
			if d.Cmd == "new" {
				m = New(a.config())
				return ""
			}
			var b strings.Builder
			for _, e := range m.Step(a.event()) {
				fmt.Fprintln(&b, describe(e))
			}
			if m.Going() {
				fmt.Fprintf(&b, "head=%d commit=%d\n", m.Head(), m.Commit())
			}
			return b.String()
		})
	})
}

// args reads the arguments of a command.
type args struct {
	t *testing.T
	d *datadriven.TestData
}

func (a args) text(key string) string {
	for _, arg := range a.d.CmdArgs {
		if arg.Key == key && len(arg.Vals) > 0 {
			return arg.Vals[0]
		}
	}
	return ""
}

func (a args) num(key string) uint64 {
	text := a.text(key)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		a.t.Fatalf("%s: %s: %v", a.d.Pos, key, err)
	}
	return uint64(n)
}

// pairs reads key=(A:B,...).
func (a args) pairs(key string) (out [][2]uint64) {
	for _, arg := range a.d.CmdArgs {
		if arg.Key != key {
			continue
		}
		for _, v := range arg.Vals {
			var p [2]uint64
			if _, err := fmt.Sscanf(v, "%d:%d", &p[0], &p[1]); err != nil {
				a.t.Fatalf("%s: %s: %v", a.d.Pos, key, err)
			}
			out = append(out, p)
		}
	}
	return out
}

func (a args) starts() (out []Start) {
	for _, p := range a.pairs("starts") {
		out = append(out, Start{Epoch: p[0], Base: p[1]})
	}
	return out
}

func (a args) table() Table {
	t := Table{Head: a.num("head"), Sessions: map[uint64]uint64{}}
	for _, p := range a.pairs("sessions") {
		t.Sessions[p[0]] = p[1]
	}
	return t
}

func (a args) config() Config {
	cfg := Config{Job: "job", Token: []byte("token"), Size: 3, Lazy: a.d.HasArg("lazy")}
	if a.d.HasArg("disk-gate") {
		cfg.Gate = NewDiskGate()
	}
	if a.d.HasArg("takeover") {
		t := &Takeover{Starts: a.starts(), Disk: a.num("disk")}
		for _, p := range a.pairs("expect") {
			t.Expect = append(t.Expect, int32(p[0])-1)
		}
		cfg.Takeover = t
	}
	return cfg
}

// event reads an event. Where nothing is said of the log, memory has it from the beginning.
func (a args) event() Event {
	ev := Event{
		Peer: a.num("peer"), Session: a.num("session"), Request: a.num("request"), Count: uint32(a.num("count")), Sequence: a.num("seq"),
		Rank: int32(a.num("rank")), Incarnation: a.num("incarnation"), Now: int64(a.num("now")) * 1e6, Reason: strings.ReplaceAll(a.text("reason"), "_", " "),
		Held: Held{First: a.num("first"), DiskFirst: a.num("disk-first"), DiskNext: a.num("disk-next"), Slowest: a.num("slowest"), Full: a.d.HasArg("full"), FullOver: a.d.HasArg("full-over")},
	}
	if a.d.HasArg("off-log") {
		ev.Held = Held{First: 1 << 40, DiskFirst: 1 << 40, DiskNext: 1}
	}
	received := func(message any) { ev.Kind, ev.Message = Received, message }
	id, session := a.num("id"), ev.Session
	switch a.d.Cmd {
	case "begun":
		ev.Kind, ev.Message = Begun, &Opened{
			Table: a.table(), Epoch: a.num("epoch"), Run: 1, Starts: a.starts(), Saved: a.num("saved"), Sure: a.num("saved"), Persisted: a.num("persisted"),
		}
	case "not-begun":
		ev.Kind, ev.Code, ev.Usage = NotBegun, wire.RefusalState, a.d.HasArg("usage")
	case "hello":
		ev.Kind, ev.Message = Hello, a.hello()
	case "lost":
		ev.Kind, ev.Clean = Lost, a.d.HasArg("clean")
	case "batch":
		ev.Kind = Batch
		if a.d.HasArg("hosted") {
			ev.Session = stream.Of(session, stream.Hosted)
		}
	case "query":
		received(&wire.QueryT{Id: id, Session: session})
	case "result": // session's is who sends
		received(&Reply{Session: a.num("to"), Frame: fmt.Appendf(nil, "results of %d from %d", ev.Count, ev.Request)})
	case "answer":
		received(&Reply{Session: a.num("to"), Frame: fmt.Appendf(nil, "answer %d", id)})
	case "persisted":
		ev.Kind = Persisted
	case "gone":
		ev.Kind = Gone
	case "tailed":
		ev.Kind = Tailed
	case "impatient":
		ev.Kind = Impatient
	case "arrived":
		ev.Kind = Arrived
	case "noted":
		ev.Kind = Noted
	case "short":
		ev.Kind = Short
	case "behind":
		ev.Kind = Behind
	case "due":
		ev.Kind = Due
	case "tick":
		ev.Kind = Tick
	case "halted":
		ev.Kind = Halted
	case "heartbeat":
		received(&wire.HeartbeatT{Applied: a.num("applied"), Session: session})
	case "sync":
		received(&wire.SyncT{Id: id, Session: session})
	case "save":
		received(&wire.SaveT{Id: id, Session: session})
	case "saved":
		received(&wire.SavedT{Id: id, Sequence: ev.Sequence, Path: a.text("path"), Error: ev.Reason, Session: session})
	case "digest":
		received(&wire.DigestT{Id: id, Sequence: ev.Sequence, Session: session, Objects: []*wire.ObjectDigestT{{Object: 1, Digest: a.num("digest")}}})
	case "panic":
		received(&wire.PanicT{Sequence: ev.Sequence, Object: "o", Method: "M", Text: "no", Arguments: "{}", Session: session})
	case "leave":
		received(&wire.LeaveT{Session: session})
	case "finish":
		ev.Kind, ev.Message = Command, &wire.CommandT{Verb: wire.VerbFinish, Status: a.text("status"), Count: ev.Count}
	case "checkpoint":
		ev.Kind, ev.Message = Command, &wire.CommandT{Verb: wire.VerbCheckpoint}
	default:
		a.t.Fatalf("%s: unknown command %s", a.d.Pos, a.d.Cmd)
	}
	return ev
}

func (a args) hello() *wire.HelloT {
	hello := &wire.HelloT{
		Version: protocol.Version, Job: "job", Token: []byte("token"), Session: a.num("session"), Rank: int32(a.num("rank")), Pid: 100 + int32(a.num("peer")),
		Hosted: a.d.HasArg("hosted"), Incarnation: a.num("incarnation"), Epoch: a.num("epoch"), Applied: a.num("applied"), Recalls: a.num("recalls"), Program: a.text("program"),
	}
	switch {
	case a.d.HasArg("keeper"):
		hello.Role, hello.Rank = wire.RoleKeeper, -1
	case a.d.HasArg("host"):
		hello.Role, hello.Rank = wire.RoleHost, -2
	case a.d.HasArg("control"):
		hello.Role = wire.RoleControl
	case a.d.HasArg("operator"):
		hello.Role = wire.RoleOperator
	}
	if a.d.HasArg("token") {
		hello.Token = []byte(a.text("token"))
	}
	if a.d.HasArg("version") {
		hello.Version = uint16(a.num("version"))
	}
	if a.d.HasArg("job") {
		hello.Job = a.text("job")
	}
	return hello
}

var effectNames = map[Kind]string{Append: "append", Drop: "drop", Full: "full", Release: "release", Post: "post", Admit: "admit", Wait: "wait", Refuse: "refuse",
	Close: "close", Tell: "tell", Answer: "answer", Recall: "recall", Open: "open", GoOn: "go on", Note: "note", Take: "take", Hold: "hold", Trim: "trim",
	Spill: "spill", Renew: "renew", Stable: "stable", Stop: "stop"}

// describe is an effect in a line: its kind and what of it is not zero.
func describe(e Effect) string {
	var b strings.Builder
	b.WriteString(effectNames[e.Kind])
	for _, f := range []struct {
		name  string
		value uint64
	}{{"peer", e.Peer}, {"session", e.Session}, {"requests from", e.Request}, {"count", uint64(e.Count)}, {"seq", e.Sequence}, {"second", e.Second}} {
		switch {
		case f.value == stream.Coordinator:
			fmt.Fprintf(&b, " %s=own", f.name)
		case f.name == "session" && stream.Domain(f.value) == stream.Hosted:
			fmt.Fprintf(&b, " session=%d hosted behind=%d", stream.Session(f.value), e.Previous)
		case f.value != 0:
			fmt.Fprintf(&b, " %s=%d", f.name, f.value)
		}
	}
	for _, f := range []struct {
		name string
		set  bool
	}{{"state", e.State}, {"further", e.Further}, {"last", e.Last}, {"known", e.Known}, {"partial", e.Partial}, {"keep", e.Keep}, {"audit", e.Audit}, {"sync", e.Sync}} {
		if f.set {
			b.WriteString(" " + f.name)
		}
	}
	if e.Kind == Stop || e.Kind == Close {
		fmt.Fprintf(&b, " cause=%d", e.Cause)
	}
	if e.Kind == Refuse {
		fmt.Fprintf(&b, " %v", e.Code)
	}
	if c := e.Control; c != nil {
		switch c.Kind {
		case wire.ControlKindMark:
			fmt.Fprintf(&b, " mark %d", c.Id&0xffff)
		case wire.ControlKindStart:
			fmt.Fprintf(&b, " start of %d epochs", len(c.Starts))
		case wire.ControlKindOmit:
			fmt.Fprintf(&b, " omit %d", c.Sequence)
		case wire.ControlKindEnd:
			fmt.Fprintf(&b, " end of session %d, rank %d incarnation %d", c.Session, c.Rank, c.Incarnation)
		}
	}
	switch m := e.Message.(type) {
	case *wire.WelcomeT:
		fmt.Fprintf(&b, " welcome: ordered %d, head %d", m.Ordered, m.Head)
		if m.Hosted > 0 {
			fmt.Fprintf(&b, ", hosted %d", m.Hosted)
		}
	case *wire.QueryT:
		fmt.Fprintf(&b, " query %d of session %d behind %d", m.Id, m.Session, m.Head)
	case *Reply:
		fmt.Fprintf(&b, " %s", m.Frame)
	case *wire.HostingT:
		fmt.Fprintf(&b, " hosting")
	case *wire.ResendT:
		fmt.Fprintf(&b, " resend for session %d", stream.Session(m.Stream))
	case *wire.MembersT:
		fmt.Fprintf(&b, " members %v at %d", m.Ranks, m.Sequence)
	case *wire.SyncedT:
		fmt.Fprintf(&b, " synced %d: head %d", m.Id, m.Head)
	case *wire.SaveT:
		fmt.Fprintf(&b, " save at mark %d: %v", m.Id&0xffff, m.Want)
		if m.Hosted {
			b.WriteString(" of hosted objects, too")
		}
	case *wire.SavedT:
		fmt.Fprintf(&b, " saved %d: %d%s", m.Id&0xffff, m.Sequence, m.Error)
	case *wire.StopT:
		fmt.Fprintf(&b, " stop: %s", m.Reason)
	case *wire.EventT:
		fmt.Fprintf(&b, " %v rank %d incarnation %d: %s", m.What, m.Rank, m.Incarnation, m.Text)
	case *Divergence:
		fmt.Fprintf(&b, " %s %s: %s", m.Evidence, m.Reference, m.Event.Text)
	case string:
		fmt.Fprintf(&b, " %s", m)
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, ": %s", e.Reason)
	}
	return b.String()
}
