package launcher

import (
	"errors"
	"fmt"
	"syscall"

	"dsss/internal/applying"
	"dsss/launcher/fleet"
)

// A stubFleet is a fleet without processes. All that it "starts" get the process id 7, as on nodes that know
// nothing of one another. Only the job's goroutine uses it.
type stubFleet struct {
	started  []aStart
	broken   bool     // it starts nothing
	told     []string // "incarnation signal"
	applying map[uint64]applying.Call
	stopped  map[uint64]bool
	ended    chan fleet.Ended
}

type aStart struct {
	incarnation uint64
	fleet.Spec
}

func newStubFleet() *stubFleet {
	return &stubFleet{applying: map[uint64]applying.Call{}, stopped: map[uint64]bool{}, ended: make(chan fleet.Ended)}
}

func (f *stubFleet) Start(incarnation uint64, s fleet.Spec) (int, error) {
	f.started = append(f.started, aStart{incarnation, s})
	for _, sink := range []fleet.Sink{s.Out, s.Err, s.Ready} {
		if sink != nil {
			sink.End()
		}
	}
	if f.broken {
		return 0, errors.New("broken")
	}
	return 7, nil
}

func (f *stubFleet) Signal(incarnation uint64, sig syscall.Signal) {
	f.told = append(f.told, fmt.Sprintf("%d %v", incarnation, sig))
}
func (f *stubFleet) Applying(incarnation uint64) applying.Call { return f.applying[incarnation] }
func (f *stubFleet) Stopped(incarnation uint64) bool           { return f.stopped[incarnation] }
func (f *stubFleet) PrintStacks(uint64)                        {}
func (f *stubFleet) CutOff(uint64)                             {}
func (f *stubFleet) Ended() <-chan fleet.Ended                 { return f.ended }
func (f *stubFleet) Address() string                           { return "" }
func (f *stubFleet) Close() []string                           { return nil }
