package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// patience is how much longer than it should a measurement may take before it counts as stuck.
const patience = 30 * time.Second

// measure runs all rounds. Every other round goes backwards, so that a drift of the machine's speed hits both sides alike.
func measure(ctx context.Context, o options, r *report, progress io.Writer) error {
	for round := range o.rounds {
		if o.only == "" || o.only == "closed" {
			if err := measureClosed(ctx, o, r, round, progress); err != nil {
				return err
			}
		}
		if o.only == "" || o.only == "pipelined" {
			if err := measurePipelined(ctx, o, r, round, progress); err != nil {
				return err
			}
		}
		if o.only == "" || o.only == "hosted" {
			if err := measureHosted(ctx, o, r, round, progress); err != nil {
				return err
			}
		}
		if o.only == "" || o.only == "crowd" {
			if err := measureCrowd(ctx, o, r, round, progress); err != nil {
				return err
			}
		}
	}
	if o.only == "" || o.only == "hosted" {
		if err := measureHeld(ctx, o, r, progress); err != nil {
			return err
		}
	}
	if o.only == "" || o.only == "pause" {
		if err := measurePause(ctx, o, r, progress); err != nil {
			return err
		}
	}
	if o.only == "" || o.only == "codec" {
		if err := measureCodec(o, r, progress); err != nil {
			return err
		}
	}
	if o.only == "" || o.only == "getter" {
		if err := measureGetter(ctx, o, r, progress); err != nil {
			return err
		}
	}
	if o.only == "" || o.only == "checkpoint" {
		if err := measureCheckpoint(o, r, progress); err != nil {
			return err
		}
	}
	if o.only == "" || o.only == "state" {
		return measureState(ctx, o, r, progress)
	}
	return nil
}

func measureClosed(ctx context.Context, o options, r *report, round int, progress io.Writer) error {
	ms := []measurement{
		{name: "closed_loop_raw", role: roleRawClosed, pinned: true},
		{name: "closed_loop", role: roleClosed, pinned: true, durability: "memory"},
		{name: "closed_loop_interval", role: roleClosed, pinned: true, durability: "interval"},
		{name: "closed_loop_unpinned", role: roleClosed, durability: "memory"},
		{name: "closed_loop_unpinned_raw", role: roleRawClosed},
	}
	err := eachOf(ctx, o, ms, 1, round, progress, func(m measurement, out outcome) {
		one := out.results[0]
		r.add(m.name+"_p50_us", one.P50)
		r.add(m.name+"_p99_us", one.P99)
		r.add(m.name+"_per_s", one.PerSecond)
		r.add(m.name+"_sent_bytes", one.Sent)
		r.add(m.name+"_received_bytes", one.Received)
	})
	if err != nil {
		return err
	}
	for _, p := range []string{"p50", "p99"} {
		r.ratio("closed_loop_"+p+"_ratio", "closed_loop_"+p+"_us", "closed_loop_raw_"+p+"_us")
		r.ratio("closed_loop_interval_"+p+"_ratio", "closed_loop_interval_"+p+"_us", "closed_loop_raw_"+p+"_us")
		r.ratio("closed_loop_unpinned_"+p+"_ratio", "closed_loop_unpinned_"+p+"_us", "closed_loop_unpinned_raw_"+p+"_us")
	}
	return nil
}

func measurePipelined(ctx context.Context, o options, r *report, round int, progress io.Writer) error {
	ms := []measurement{
		{name: "pipelined_raw", role: roleRawPipelined},
		{name: "pipelined", role: rolePipelined, durability: "memory"},
		{name: "pipelined_interval", role: rolePipelined, durability: "interval"},
		{name: "pipelined_sync", role: rolePipelined, durability: "sync"},
	}
	err := eachOf(ctx, o, ms, clients, round, progress, func(m measurement, out outcome) {
		var perSecond, sent, received float64
		for _, c := range out.results {
			perSecond += c.PerSecond / clients // each counts everybody's
			sent += c.Sent / clients
			received += c.Received / clients
		}
		r.add(m.name+"_per_s", perSecond)
		r.add(m.name+"_sent_bytes", sent)
		r.add(m.name+"_received_bytes", received)
		var cpu float64
		for role, d := range out.cpu {
			us := float64(d.Nanoseconds()) / 1e3 / float64(out.results[0].Total)
			r.add(m.name+"_cpu_us_"+role, us)
			cpu += us
		}
		r.add(m.name+"_cpu_us", cpu)
	})
	if err != nil {
		return err
	}
	r.ratio("pipelined_ratio", "pipelined_per_s", "pipelined_raw_per_s")
	r.ratio("pipelined_interval_ratio", "pipelined_interval_per_s", "pipelined_raw_per_s")
	r.ratio("pipelined_interval_of_memory", "pipelined_interval_per_s", "pipelined_per_s")
	r.ratio("pipelined_sync_of_memory", "pipelined_sync_per_s", "pipelined_per_s")
	return nil
}

// measureCrowd measures the pipelined load beside connections of strangers.
func measureCrowd(ctx context.Context, o options, r *report, round int, progress io.Writer) error {
	crowd := strangers
	if o.quick {
		crowd /= 20
	}
	ms := []measurement{
		{name: "uncrowded", role: rolePipelined, durability: "memory"},
		{name: "crowded", role: rolePipelined, durability: "memory", strangers: crowd},
	}
	err := eachOf(ctx, o, ms, clients, round, progress, func(m measurement, out outcome) {
		var perSecond float64
		for _, c := range out.results {
			perSecond += c.PerSecond / clients
		}
		r.add(m.name+"_per_s", perSecond)
	})
	if err != nil {
		return err
	}
	r.ratio("crowded_ratio", "crowded_per_s", "uncrowded_per_s")
	return nil
}

// strangers is how many connections the crowd holds.
const strangers = 10_000

// measurePause measures a worker's calls while checkpoints of a large state are written.
func measurePause(ctx context.Context, o options, r *report, progress io.Writer) error {
	m := measurement{name: "pause", role: rolePause, durability: "interval", repeat: o.rounds, mib: o.checkpointMiB}
	limit := time.Duration(o.rounds+2) * time.Duration(o.checkpointMiB) * 20 * time.Millisecond // 50 MB/s at worst
	ctx, cancel := context.WithTimeout(ctx, limit+patience)
	defer cancel()
	fmt.Fprintf(progress, "%s\n", m.name)
	m.clients, m.duration, m.profiles = 1, o.duration(), profilesFor(o.profiles, m.name)
	out, err := run(ctx, m)
	if err != nil {
		return err
	}
	one := out.results[0]
	r.add("pause_quiet_p99_us", one.QuietP99)
	r.add("pause_saving_p99_us", one.SavingP99)
	r.add("pause_quiet_max_ms", one.QuietMax/1e3)
	r.add("pause_saving_max_ms", one.SavingMax/1e3)
	r.ratio("pause_p99_ratio", "pause_saving_p99_us", "pause_quiet_p99_us")
	r.ratio("pause_max_ratio", "pause_saving_max_ms", "pause_quiet_max_ms")
	return nil
}

func measureGetter(ctx context.Context, o options, r *report, progress io.Writer) error {
	m := measurement{name: "getter", role: roleGetter, durability: "memory", repeat: 2*o.rounds + 1}
	return eachOf(ctx, o, []measurement{m}, 1, 0, progress, func(_ measurement, out outcome) {
		one := out.results[0]
		for i := range one.Getter {
			r.add("getter_bare_ns", one.Bare[i])
			r.add("getter_ns", one.Getter[i])
			r.add("getter_bare_busy_ns", one.BareBusy[i])
			r.add("getter_busy_ns", one.GetterBusy[i])
			r.ratio("getter_ratio", "getter_ns", "getter_bare_ns")
			r.ratio("getter_busy_ratio", "getter_busy_ns", "getter_bare_busy_ns")
		}
	})
}

// eachOf runs the measurements of one round and hands their outcomes over.
func eachOf(ctx context.Context, o options, ms []measurement, clients, round int, progress io.Writer, note func(measurement, outcome)) error {
	if round%2 == 1 {
		slices.Reverse(ms)
	}
	for _, m := range ms {
		fmt.Fprintf(progress, "round %d of %d: %s\n", round+1, o.rounds, m.name)
		m.clients, m.duration, m.profiles = clients, o.duration(), profilesFor(o.profiles, m.name)
		limited, cancel := context.WithTimeoutCause(ctx, time.Duration(max(2, m.repeat))*m.duration+patience, fmt.Errorf("%s is stuck", m.name))
		out, err := run(limited, m)
		if err != nil && limited.Err() != nil {
			err = fmt.Errorf("%w (%w)", context.Cause(limited), err)
		}
		cancel()
		if err != nil {
			return err
		}
		note(m, out)
	}
	return nil
}
