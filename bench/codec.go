package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// floats is 8 MiB of numbers.
const floats = 8 << 20 / 8

// measureCodec times the generated codecs in this process, turn by turn with copying the same bytes: what encoding costs
// that nobody can do without.
func measureCodec(o options, r *report, progress io.Writer) error {
	call := tallyRecordArgs{Client: 1, Number: 2, Word: 3}
	wire, err := appendTallyRecordArgs(nil, call)
	if err != nil {
		return err
	}
	small, dst := make([]byte, 64), make([]byte, 0, 64)
	block := make([]float64, floats)
	for i := range block {
		block[i] = float64(i)
	}
	large, err := appendTallyFillArgs(nil, tallyFillArgs{Block: block})
	if err != nil {
		return err
	}
	target, buf := make([]float64, floats), make([]byte, 0, len(large))
	var failed error
	var kept []float64
	least := o.duration() / 10
	for round := range 2*o.rounds + 1 {
		fmt.Fprintf(progress, "round %d of %d: codec\n", round+1, 2*o.rounds+1)
		r.add("codec_copy_ns", perStep(least, func() { copy(small[:len(wire)], wire) }))
		r.add("codec_encode_ns", perStep(least, func() {
			if dst, err = appendTallyRecordArgs(dst[:0], call); err != nil {
				failed = err
			}
		}))
		r.add("codec_decode_ns", perStep(least, func() {
			if got, err := decodeTallyRecordArgs(wire); err != nil || got != call {
				failed = fmt.Errorf("the call came back as %v, %v", got, err)
			}
		}))
		r.ratio("codec_encode_ratio", "codec_encode_ns", "codec_copy_ns")
		r.ratio("codec_decode_ratio", "codec_decode_ns", "codec_copy_ns")

		r.add("codec_memcpy_gb_per_s", perSecond(perStep(least, func() { copy(target, block) })))
		r.add("codec_floats_encode_gb_per_s", perSecond(perStep(least, func() {
			if buf, err = appendTallyFillArgs(buf[:0], tallyFillArgs{Block: block}); err != nil {
				failed = err
			}
		})))
		r.add("codec_floats_decode_gb_per_s", perSecond(perStep(least, func() {
			if got, err := decodeTallyFillArgs(large); err != nil || len(got.Block) != floats || got.Block[floats-1] != floats-1 {
				failed = fmt.Errorf("%d numbers came back as %d, %v", floats, len(got.Block), err)
			}
		})))
		// What is decoded is a new slice, so the floor pays for new memory too.
		r.add("codec_clone_gb_per_s", perSecond(perStep(least, func() { kept = slices.Clone(block) })))
		r.ratio("codec_floats_encode_ratio", "codec_floats_encode_gb_per_s", "codec_memcpy_gb_per_s")
		r.ratio("codec_floats_decode_ratio", "codec_floats_decode_gb_per_s", "codec_clone_gb_per_s")
	}
	if len(kept) != floats {
		return fmt.Errorf("a copy of %d numbers has %d", floats, len(kept))
	}
	return failed
}

// perSecond turns the ns that 8 MiB took into GB/s.
func perSecond(ns float64) float64 { return floats * 8 / ns }

// perStep returns the ns of one step, from a run of at least the given time.
func perStep(least time.Duration, step func()) float64 {
	for n := 1; ; n *= 2 {
		begin := time.Now()
		for range n {
			step()
		}
		if took := time.Since(begin); took >= least {
			return float64(took.Nanoseconds()) / float64(n)
		}
	}
}
