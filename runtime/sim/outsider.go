package sim

import (
	"errors"
	"time"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/internal/stream"
)

// outsider has a process connect that may not join, and expects to be told why, and nothing to change.
func (w *world) outsider() {
	co := w.l.reach()
	if co == nil {
		return
	}
	w.made++
	p := w.newProc("outsider")
	from, to := w.connect(p, co.proc)
	conn := comm.NewConn(from)
	co.accept(to)
	hello := &wire.HelloT{
		Version: comm.Version, Job: jobName, Token: []byte(jobToken), Role: wire.RoleWorker, Rank: int32(w.rnd.IntN(w.mix.workers)),
		Session: outsiders + w.made, Incarnation: w.made, Program: "sim",
	}
	want := []wire.Refusal{wire.RefusalToken}
	switch w.rnd.IntN(6) {
	case 0:
		hello.Token = []byte("another")
	case 1:
		hello.Version, want = comm.Version+1, []wire.Refusal{wire.RefusalVersion}
	case 2:
		hello.Job, want = "another", []wire.Refusal{wire.RefusalJob}
	case 3:
		hello.Session, want = stream.Of(hello.Session, stream.Hosted), []wire.Refusal{wire.RefusalOther}
	case 4:
		hello.Session, want = stream.Coordinator, []wire.Refusal{wire.RefusalOther}
	default: // one whose process has ended, as the launcher has said, or another program's
		hello.Program, want = "another", []wire.Refusal{wire.RefusalClasses, wire.RefusalBusy}
		if !co.core.Opened() {
			hello.Token, want = nil, []wire.Refusal{wire.RefusalToken}
		}
	}
	from.arrived = func() {
		from.feed(1)
		welcome, err := conn.NextAnswer(nil)
		var refused *comm.RefusedError
		switch {
		case welcome != nil:
			w.fail("a outsider is welcome")
		case errors.As(err, &refused):
			w.count("outsider refused")
			for _, code := range append(want, wire.RefusalEnded) {
				if refused.Code == code {
					p.exit()
					return
				}
			}
			w.fail("a outsider is refused with %v: %v", refused.Code, err)
		default: // the coordinator is gone
			p.exit()
		}
	}
	frame := comm.Frame(comm.KindHello, hello) // as it is, whatever its version
	_ = conn.Write(frame)                      // a broken connection shows to the reader
	w.after(time.Minute, p, p.exit)
}
