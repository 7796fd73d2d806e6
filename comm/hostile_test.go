package comm

import (
	"math"
	"testing"
	"time"

	"dsss/test/hostile"
)

// bodyReader is the parser of one kind of message as the harness tries it.
func bodyReader(kind Kind, bodies ...[]byte) hostile.Reader {
	r := hostile.Reader{Name: kind.String(), Refusal: ErrProtocol, Times: 32}
	for _, body := range bodies {
		r.Seeds = append(r.Seeds, hostile.Input{body})
	}
	r.Read = func(in hostile.Input) (func() (hostile.Input, error), error) {
		if len(in) != 1 {
			return nil, ErrProtocol
		}
		m, err := parseAny(kind, in[0])
		message, packs := m.(Message)
		if err != nil || !packs {
			return nil, err
		}
		return func() (hostile.Input, error) {
			return hostile.Input{Frame(kind, message)[HeaderSize:]}, nil
		}, nil
	}
	return r
}

// sampleBatch is a batch of calls with arguments of these lengths.
func sampleBatch(lengths ...int) []byte {
	frame := BeginBatch(nil)
	for i, n := range lengths {
		frame = AppendCall(frame, uint32(i), uint32(n), make([]byte, n))
	}
	FinishBatch(frame, 1, 2, uint32(len(lengths)))
	return frame[HeaderSize:]
}

// headReader reads a frame's header, and its body as far as it is there.
func headReader(seeds ...[]byte) hostile.Reader {
	r := hostile.Reader{Name: "frame", Refusal: ErrProtocol, Times: 1}
	for _, s := range seeds {
		r.Seeds = append(r.Seeds, hostile.Input{s})
	}
	r.Read = func(in hostile.Input) (func() (hostile.Input, error), error) {
		if len(in) != 1 || len(in[0]) < HeaderSize {
			return nil, ErrProtocol
		}
		h, err := parseHeader(in[0][:HeaderSize], math.MaxInt32)
		if err != nil {
			return nil, err
		}
		if h.length > len(in[0])-HeaderSize {
			return nil, ErrProtocol
		}
		body := in[0][HeaderSize : HeaderSize+h.length]
		if err := h.check(body); err != nil {
			return nil, err
		}
		frame := append(make([]byte, HeaderSize), body...)
		return func() (hostile.Input, error) {
			Seal(frame, h.kind)
			return hostile.Input{frame}, nil
		}, nil
	}
	return r
}

// TestHostile tries every decoder of this package with input that is almost honest: 100,000 executions in all, or as many
// as DSSS_FUZZ_READERS says, with the seed DSSS_FUZZ_SEED; make fuzz-readers has it do so.
func TestHostile(t *testing.T) {
	all := samples()
	readers := []hostile.Reader{headReader(Frame(KindHello, all[KindHello]), Frame(KindLeave, all[KindLeave]))}
	for kind := Kind(1); kind < kinds; kind++ {
		switch m := all[kind]; {
		case kind == KindLeave: // it has no fields and no parser
		case kind == KindBatch, kind == KindTail:
			readers = append(readers, bodyReader(kind, sampleBatch(), sampleBatch(0), sampleBatch(1, 16, 40, 7)))
		case kind == KindResult:
			readers = append(readers, bodyReader(kind, resultFrame(Result{Stream: 1, Request: 2, Sequence: 3})[HeaderSize:],
				resultFrame(Result{Stream: 1, Request: 2, Sequence: 3, Count: 3}, "", "12345678", "a text that is longer")[HeaderSize:]))
		case m == nil:
			t.Errorf("no sample of %v", kind)
		default:
			readers = append(readers, bodyReader(kind, Frame(kind, m)[HeaderSize:]))
		}
	}
	n, seed := hostile.Wanted(t, 100_000)
	began := time.Now()
	counts := hostile.Try(t, seed, n, readers)
	t.Logf("seed %d, %v\n%s", seed, time.Since(began).Round(time.Second), hostile.Table(counts))
}
