package comm

import (
	"bytes"
	"testing"

	"dsss/comm/wire"
)

func resultFrame(r Result, outcomes ...string) []byte {
	frame := BeginResult(nil)
	for i, data := range outcomes {
		frame = AppendOutcome(frame, wire.Outcome(i%2), []byte(data))
	}
	FinishResult(frame, r)
	return frame
}

// TestResults: outcomes are read as they were written, and a Result that counts other than it has is refused.
func TestResults(t *testing.T) {
	want := Result{Stream: 7, Request: 8, Sequence: 9, Count: 2}
	body := resultFrame(want, "123456789", "")[HeaderSize:]
	r, all, err := ParseResult(body)
	if err != nil || r != want {
		t.Fatalf("%+v, %v", r, err)
	}
	if o, data, ok := all.Next(); o != wire.OutcomeDone || string(data) != "123456789" || !ok {
		t.Errorf("first: %v %q %v", o, data, ok)
	}
	if o, data, ok := all.Next(); o != wire.OutcomeFailed || len(data) != 0 || !ok {
		t.Errorf("second: %v %q %v", o, data, ok)
	}
	for _, count := range []uint32{1, 3} {
		bad := want
		bad.Count = count
		if _, _, err := ParseResult(resultFrame(bad, "123456789", "")[HeaderSize:]); err == nil {
			t.Errorf("%d outcomes were taken for 2", count)
		}
	}
	for n := range body {
		if _, _, err := ParseResult(body[:n]); err == nil {
			t.Errorf("the first %d bytes were taken", n)
		}
	}
	bad := bytes.Clone(body)
	bad[resultPrefix+4] = 9
	if _, _, err := ParseResult(bad); err == nil {
		t.Error("an outcome of no kind was taken")
	}
}

// TestHandLaidResultIsFlatBuffers: the layout is one that the generated code reads alike.
func TestHandLaidResultIsFlatBuffers(t *testing.T) {
	body := resultFrame(Result{Stream: 7, Request: 8, Sequence: 9, Count: 1}, "abc")[HeaderSize:]
	r := wire.GetRootAsResult(body, 0).UnPack()
	if h := r.Head; h.Stream != 7 || h.Request != 8 || h.Sequence != 9 || h.Count != 1 || !bytes.Contains(r.Outcomes, []byte("abc")) {
		t.Errorf("read as %+v %+v", r, r.Head)
	}
}
