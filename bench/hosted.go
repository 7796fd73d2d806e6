package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/procfs"

	"dsss"
)

// A drawer is a tally whose calls have results: replicated or hosted, with the same calls.
type drawer interface {
	Draw(ctx context.Context, client, number, word uint64) (uint64, error)
	DrawAsync(ctx context.Context, client, number, word uint64) *dsss.Future[uint64]
}

// drawing is worker for calls with results, on the object that the role names.
func drawing(t task, hosted bool, f func(ctx context.Context, d drawer) (result, error)) (result, error) {
	return jobWorker(t, func(ctx context.Context, job *dsss.Job, tally *SharedTally) (result, error) {
		if !hosted {
			return f(ctx, tally)
		}
		h, err := OpenTallyHosted(ctx, job, "hosted")
		if err != nil {
			return result{}, err
		}
		return f(ctx, h)
	})
}

// drawLone is the closed loop of calls with results.
func drawLone(t task, hosted bool) (result, error) {
	return drawing(t, hosted, func(ctx context.Context, d drawer) (result, error) {
		return closedLoop(t.Duration, func(number uint64) error {
			n, err := d.Draw(ctx, uint64(t.Rank+1), number, filler)
			if err == nil && n != number { // nobody else draws
				err = fmt.Errorf("call %d returned %d", number, n)
			}
			return err
		})
	})
}

// askLone is a closed loop of getters.
func askLone(t task) (result, error) {
	return drawing(t, true, func(ctx context.Context, d drawer) (result, error) {
		return closedLoop(t.Duration, func(number uint64) error {
			_, err := d.(*HostedTally).At(ctx, number)
			return err
		})
	})
}

// drawPipelined keeps a window of calls on the way, as pipelined does. Each call returns more than the one before.
func drawPipelined(t task, hosted bool) (result, error) {
	return drawing(t, hosted, func(ctx context.Context, d drawer) (result, error) {
		ring := make([]*dsss.Future[uint64], window)
		var number, returned uint64
		await := func(f *dsss.Future[uint64]) error {
			n, err := f.Wait(ctx)
			if err == nil && n <= returned {
				err = fmt.Errorf("a call returned %d behind %d", n, returned)
			}
			returned = n
			return err
		}
		var from, to sample
		clock := newSchedule(t.Duration)
		slot := 0
		for ; clock.next != over; slot = (slot + 1) % window {
			if f := ring[slot]; f != nil {
				if err := await(f); err != nil {
					return result{}, err
				}
			}
			number++
			ring[slot] = d.DrawAsync(ctx, uint64(t.Rank+1), number, filler)
			if number%clockEvery == 0 {
				switch clock.pass(time.Now()) {
				case measureFrom:
					from = newSample(number, number)
				case measureTo:
					to = newSample(number, number)
				}
			}
		}
		for i := range ring {
			if f := ring[(slot+i)%window]; f != nil {
				if err := await(f); err != nil {
					return result{}, err
				}
			}
		}
		r, err := rates(from, to)
		r.Own = number
		return r, err
	})
}

// held is a worker that has the host hold much, and says how much more it holds itself then, in MiB: of its resident memory,
// after a collection.
func held(t task) (result, error) {
	return drawing(t, true, func(ctx context.Context, d drawer) (r result, err error) {
		h := d.(*HostedTally)
		before, err := resident()
		if err != nil {
			return r, err
		}
		for range t.MiB {
			if err := h.Load(ctx, 1<<20/8); err != nil {
				return r, err
			}
		}
		if _, err := h.At(ctx, 1); err != nil { // the host has it
			return r, err
		}
		after, err := resident()
		r.Resident = after - before
		return r, err
	})
}

// resident returns this process's resident memory in MiB, what can be given back apart.
func resident() (float64, error) {
	runtime.GC()
	debug.FreeOSMemory()
	p, err := procfs.Self()
	if err != nil {
		return 0, err
	}
	s, err := p.NewStatus()
	return float64(s.VmRSS) / (1 << 20), err
}

func measureHosted(ctx context.Context, o options, r *report, round int, progress io.Writer) error {
	lone := []measurement{
		{name: "lone_replicated", role: roleDrawLone, pinned: true, durability: "memory"},
		{name: "lone_hosted", role: roleDrawLoneHosted, pinned: true, durability: "memory"},
		{name: "lone_getter", role: roleAskLone, pinned: true, durability: "memory"},
		{name: "lone_raw", role: roleRawClosed, pinned: true},
		{name: "lone_raw_far", role: roleRawFar, pinned: true},
	}
	err := eachOf(ctx, o, lone, 1, round, progress, func(m measurement, out outcome) {
		r.add(m.name+"_p50_us", out.results[0].P50)
		r.add(m.name+"_p99_us", out.results[0].P99)
	})
	if err != nil {
		return err
	}
	r.ratio("lone_hosted_ratio", "lone_hosted_p50_us", "lone_replicated_p50_us")
	r.ratio("lone_far_ratio", "lone_raw_far_p50_us", "lone_raw_p50_us")
	r.ratio("lone_of_far_ratio", "lone_hosted_p50_us", "lone_raw_far_p50_us")
	r.ratio("lone_getter_ratio", "lone_getter_p50_us", "lone_replicated_p50_us")
	all := []measurement{
		{name: "drawn_replicated", role: roleDraw, durability: "memory"},
		{name: "drawn_hosted", role: roleDrawHosted, durability: "memory"},
	}
	err = eachOf(ctx, o, all, clients, round, progress, func(m measurement, out outcome) {
		var perSecond float64
		for _, c := range out.results {
			perSecond += c.PerSecond // each counts its own
		}
		r.add(m.name+"_per_s", perSecond)
		var total uint64
		for _, c := range out.results {
			total += c.Own
		}
		for role, d := range out.cpu {
			r.add(m.name+"_cpu_us_"+role, float64(d.Nanoseconds())/1e3/float64(total))
		}
	})
	if err != nil {
		return err
	}
	r.ratio("drawn_hosted_ratio", "drawn_hosted_per_s", "drawn_replicated_per_s")
	return nil
}

// hostedMiB is what the host holds in the measurement of a worker's memory.
const hostedMiB = 1024

func measureHeld(ctx context.Context, o options, r *report, progress io.Writer) error {
	m := measurement{name: "held", role: roleHeld, durability: "memory", mib: hostedMiB, repeat: 20}
	if o.quick {
		m.mib /= 16
	}
	return eachOf(ctx, o, []measurement{m}, 1, 0, progress, func(_ measurement, out outcome) {
		r.add("held_mib", float64(m.mib))
		r.add("held_worker_mib", out.results[0].Resident)
	})
}
