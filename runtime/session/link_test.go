package session

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/cockroachdb/datadriven"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/replica"
)

// TestLinkTranscripts replays testdata/link/*: what happens to connections of session 7, and what becomes of it. Run with
// -rewrite to accept a changed transcript.
func TestLinkTranscripts(t *testing.T) {
	reasons := map[string]error{
		"eof": io.EOF, "state": replica.ErrState, "order": replica.ErrOrder, "stopped": ErrStopped, "evicted": ErrEvicted, "closed": ErrClosed,
		"old": errOldEpoch, "protocol": comm.ErrProtocol, "panic": &replica.PanicError{},
		"busy":   &comm.RefusedError{Code: wire.RefusalBusy, Reason: "busy"},
		"behind": &comm.RefusedError{Code: wire.RefusalBehind, Reason: "behind"},
		"token":  &comm.RefusedError{Code: wire.RefusalToken, Reason: "token"},
	}
	datadriven.Walk(t, "testdata/link", func(t *testing.T, path string) {
		var l link
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			err := reasons[arg(t, d, "error", "eof")]
			switch d.Cmd {
			case "new":
				l = link{id: 7}
				return ""
			case "hello":
				h := l.hello(wire.HelloT{Rank: 3}, arg(t, d, "applied", uint64(0)), arg(t, d, "recalls", uint64(0)))
				return fmt.Sprintf("rank %d session %d epoch %d applied %d recalls %d\n", h.Rank, h.Session, h.Epoch, h.Applied, h.Recalls)
			case "welcome":
				w := &wire.WelcomeT{Epoch: arg(t, d, "epoch", uint64(0)), Session: arg(t, d, "session", uint64(7))}
				first, err := l.check(w)
				if err != nil {
					return fmt.Sprintf("%v\n", err)
				}
				l.welcome = w
				return fmt.Sprintf("first %v\n", first)
			case "failed":
				pause, over := l.failed(err, d.HasArg("late"))
				if over != nil {
					return fmt.Sprintf("over, refused %v, evicted %v: %v\n", errors.Is(over, ErrRefused), errors.Is(over, ErrEvicted), over)
				}
				return fmt.Sprintf("again after %v\n", pause)
			case "broken":
				return fmt.Sprintf("over %v\n", l.broken(err))
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}
