package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"dsss/internal/outfile"
)

// A report is what one run measured: series of repetitions by name, and the conditions.
type report struct {
	series     map[string][]float64
	conditions conditions
}

// add notes one repetition.
func (r *report) add(name string, value float64) { r.series[name] = append(r.series[name], value) }

// ratio notes the ratio of the last repetitions of two series: they were measured one right after the other.
func (r *report) ratio(name, ours, raw string) {
	a, b := r.series[ours], r.series[raw]
	r.add(name, a[len(a)-1]/b[len(b)-1])
}

// flat returns one object without depth: of each series the median under its name and the interquartile range under
// NAME_iqr, and the conditions.
func (r *report) flat() map[string]any {
	all := r.conditions.flat()
	for name, values := range r.series {
		s := spreadOf(values)
		all[name], all[name+"_iqr"] = s.median, s.iqr
	}
	return all
}

// A row compares one figure of ours with the raw one.
type row struct {
	what, unit string
	raw, ours  string // series
	ratio      string // series; empty: ours is not measured by a ratio
	digits     int
	target     *target
}

// A target is what a series is to reach.
type target struct {
	series string
	bound  float64
	least  bool // bound is a minimum
	text   string
}

func (t *target) met(value float64) string {
	if t.least && value >= t.bound || !t.least && value <= t.bound {
		return "met"
	}
	return "not met"
}

var rows = []row{
	{what: "closed loop, one core, p50", unit: "µs", raw: "closed_loop_raw_p50_us", ours: "closed_loop_p50_us", ratio: "closed_loop_p50_ratio", digits: 1,
		target: &target{series: "closed_loop_p50_ratio", bound: 1.5, text: "at most 1.5 x raw"}},
	{what: "closed loop, one core, p99", unit: "µs", raw: "closed_loop_raw_p99_us", ours: "closed_loop_p99_us", ratio: "closed_loop_p99_ratio", digits: 1},
	{what: "same, durability interval, p50", unit: "µs", raw: "closed_loop_raw_p50_us", ours: "closed_loop_interval_p50_us", ratio: "closed_loop_interval_p50_ratio", digits: 1},
	{what: "same, durability interval, p99", unit: "µs", raw: "closed_loop_raw_p99_us", ours: "closed_loop_interval_p99_us", ratio: "closed_loop_interval_p99_ratio", digits: 1},
	{what: "closed loop, not pinned, p50", unit: "µs", raw: "closed_loop_unpinned_raw_p50_us", ours: "closed_loop_unpinned_p50_us", ratio: "closed_loop_unpinned_p50_ratio", digits: 1},
	{what: "closed loop, not pinned, p99", unit: "µs", raw: "closed_loop_unpinned_raw_p99_us", ours: "closed_loop_unpinned_p99_us", ratio: "closed_loop_unpinned_p99_ratio", digits: 1},
	{what: "bytes received per lone call", unit: "B", raw: "closed_loop_raw_received_bytes", ours: "closed_loop_received_bytes", digits: 1},
	{what: "4 clients, 1000 outstanding each", unit: "updates/s", raw: "pipelined_raw_per_s", ours: "pipelined_per_s", ratio: "pipelined_ratio",
		target: &target{series: "pipelined_ratio", bound: 0.25, least: true, text: "at least 0.25 x raw"}},
	{what: "same, durability interval", unit: "updates/s", raw: "pipelined_raw_per_s", ours: "pipelined_interval_per_s", ratio: "pipelined_interval_ratio"},
	{what: "durability interval; raw: ours with memory", unit: "updates/s", raw: "pipelined_per_s", ours: "pipelined_interval_per_s", ratio: "pipelined_interval_of_memory",
		target: &target{series: "pipelined_interval_of_memory", bound: 0.8, least: true, text: "at least 0.8 x memory"}},
	{what: "durability sync; raw: ours with memory", unit: "updates/s", raw: "pipelined_per_s", ours: "pipelined_sync_per_s", ratio: "pipelined_sync_of_memory",
		target: &target{series: "pipelined_sync_of_memory", bound: 0.6, least: true, text: "at least 0.6 x memory"}},
	{what: "hosted calls with results; raw: replicated", unit: "calls/s", raw: "drawn_replicated_per_s", ours: "drawn_hosted_per_s", ratio: "drawn_hosted_ratio",
		target: &target{series: "drawn_hosted_ratio", bound: 1, least: true, text: "at least 1 x replicated"}},
	{what: "one at a time, one core, p50; raw: replicated", unit: "µs", raw: "lone_replicated_p50_us", ours: "lone_hosted_p50_us", ratio: "lone_hosted_ratio", digits: 1,
		target: &target{series: "lone_hosted_ratio", bound: 2.2, text: "at most 2.2 x replicated"}},
	{what: "the floor of that: four hops; raw: two", unit: "µs", raw: "lone_raw_p50_us", ours: "lone_raw_far_p50_us", ratio: "lone_far_ratio", digits: 1},
	{what: "one at a time, p50; raw: four hops", unit: "µs", raw: "lone_raw_far_p50_us", ours: "lone_hosted_p50_us", ratio: "lone_of_far_ratio", digits: 1},
	{what: "getter of a hosted object, p50; raw: a replicated call", unit: "µs", raw: "lone_replicated_p50_us", ours: "lone_getter_p50_us", ratio: "lone_getter_ratio", digits: 1},
	{what: "worker's memory; raw: what is hosted", unit: "MiB", raw: "held_mib", ours: "held_worker_mib", digits: 1,
		target: &target{series: "held_worker_mib", bound: 4, text: "at most 4 MiB"}},
	{what: "beside 10,000 strangers; raw: without", unit: "updates/s", raw: "uncrowded_per_s", ours: "crowded_per_s", ratio: "crowded_ratio",
		target: &target{series: "crowded_ratio", bound: 0.9, least: true, text: "at least 0.9 x without"}},
	{what: "a call during a checkpoint, p99; raw: without one", unit: "µs", raw: "pause_quiet_p99_us", ours: "pause_saving_p99_us", ratio: "pause_p99_ratio", digits: 1},
	{what: "the longest call; raw: without one", unit: "ms", raw: "pause_quiet_max_ms", ours: "pause_saving_max_ms", ratio: "pause_max_ratio", digits: 1},
	{what: "processor time of all processes", unit: "µs/update", raw: "pipelined_raw_cpu_us", ours: "pipelined_cpu_us", digits: 2},
	{what: "bytes received per update", unit: "B", raw: "pipelined_raw_received_bytes", ours: "pipelined_received_bytes", digits: 1},
	{what: "64-byte call, encode; raw: copy of it", unit: "ns", raw: "codec_copy_ns", ours: "codec_encode_ns", ratio: "codec_encode_ratio", digits: 1,
		target: &target{series: "codec_encode_ns", bound: 100, text: "at most 100 ns"}},
	{what: "64-byte call, verify and decode", unit: "ns", raw: "codec_copy_ns", ours: "codec_decode_ns", ratio: "codec_decode_ratio", digits: 1},
	{what: "[]float64 of 8 MiB, encode; raw: memcpy", unit: "GB/s", raw: "codec_memcpy_gb_per_s", ours: "codec_floats_encode_gb_per_s", ratio: "codec_floats_encode_ratio", digits: 2,
		target: &target{series: "codec_floats_encode_ratio", bound: 0.5, least: true, text: "at least 0.5 x raw"}},
	{what: "same, decode; raw: memcpy into a new slice", unit: "GB/s", raw: "codec_clone_gb_per_s", ours: "codec_floats_decode_gb_per_s", ratio: "codec_floats_decode_ratio", digits: 2,
		target: &target{series: "codec_floats_decode_ratio", bound: 0.5, least: true, text: "at least 0.5 x raw"}},
	{what: "getter; raw: map under RWMutex", unit: "ns", raw: "getter_bare_ns", ours: "getter_ns", ratio: "getter_ratio", digits: 1,
		target: &target{series: "getter_ns", bound: 25, text: "at most 25 ns"}},
	{what: "same, beside ~1000 mutations/s", unit: "ns", raw: "getter_bare_busy_ns", ours: "getter_busy_ns", ratio: "getter_busy_ratio", digits: 1},
	{what: "checkpoint, verified; raw: write and fsync", unit: "MB/s", raw: "checkpoint_plain_mb_per_s", ours: "checkpoint_mb_per_s", ratio: "checkpoint_ratio",
		target: &target{series: "checkpoint_ratio", bound: 0.45, least: true, text: "at least 0.45 x raw"}},
	{what: "restore, from disk; raw: read", unit: "MB/s", raw: "restore_cold_plain_mb_per_s", ours: "restore_cold_mb_per_s", ratio: "restore_cold_ratio",
		target: &target{series: "restore_cold_ratio", bound: 0.45, least: true, text: "at least 0.45 x raw"}},
	{what: "restore, from memory; raw: read", unit: "MB/s", raw: "restore_warm_plain_mb_per_s", ours: "restore_warm_mb_per_s", ratio: "restore_warm_ratio",
		target: &target{series: "restore_warm_ratio", bound: 0.45, least: true, text: "at least 0.45 x raw"}},
	{what: "state to a worker that joins; raw: bytes into new memory", unit: "MB/s", raw: "state_raw_mb_per_s", ours: "state_mb_per_s", ratio: "state_ratio",
		target: &target{series: "state_mb_per_s", bound: 500, least: true, text: "at least 500 MB/s"}},
}

var columns = []string{"measured", "unit", "raw", "IQR", "ours", "IQR", "ratio", "IQR", "target", ""}

// cells renders the rows that were measured.
func (r *report) cells() [][]string {
	var all [][]string
	for _, w := range rows {
		if len(r.series[w.ours]) == 0 {
			continue
		}
		raw, ours := spreadOf(r.series[w.raw]), spreadOf(r.series[w.ours])
		number := func(v float64) string { return fmt.Sprintf("%.*f", w.digits, v) }
		line := []string{w.what, w.unit, number(raw.median), number(raw.iqr), number(ours.median), number(ours.iqr), "", "", "", ""}
		if w.ratio != "" {
			s := spreadOf(r.series[w.ratio])
			line[6], line[7] = fmt.Sprintf("%.2f", s.median), fmt.Sprintf("%.2f", s.iqr)
		}
		if w.target != nil {
			line[8], line[9] = w.target.text, w.target.met(spreadOf(r.series[w.target.series]).median)
		}
		all = append(all, line)
	}
	return all
}

const legend = "Medians of the rounds; IQR is how far their middle half reaches. A ratio is the median of the rounds' own ratios, " +
	"each of two measurements made one right after the other."

// print writes the table for people.
func (r *report) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(columns, "\t"))
	for _, line := range r.cells() {
		fmt.Fprintln(t, strings.Join(line, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, line := range r.conditions.lines() {
		fmt.Fprintln(w, line[0]+": "+line[1])
	}
	_, err := fmt.Fprintln(w, legend)
	return err
}

// markdown writes the table with its conditions for bench/results.
func (r *report) markdown(w io.Writer) error {
	fmt.Fprintf(w, "# Benchmark of %s\n\n", r.conditions.Date)
	for _, line := range r.conditions.lines() {
		fmt.Fprintf(w, "- %s: %s\n", line[0], line[1])
	}
	fmt.Fprintf(w, "\n%s\n\n", legend)
	fmt.Fprintln(w, "| "+strings.Join(columns, " | ")+" |")
	fmt.Fprintln(w, "|"+strings.Repeat("---|", len(columns)))
	for _, line := range r.cells() {
		fmt.Fprintln(w, "| "+strings.Join(line, " | ")+" |")
	}
	if len(r.series["pipelined_per_s"]) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nProcessor time per update in the pipelined measurement (durability memory), by process:\n\n| process | µs |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(r.series)) {
		if role, ok := strings.CutPrefix(name, "pipelined_cpu_us_"); ok {
			fmt.Fprintf(w, "| %s | %.2f |\n", role, spreadOf(r.series[name]).median)
		}
	}
	return nil
}

// json writes the flat object.
func (r *report) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r.flat())
}

// writeFile writes a file, making its folder.
func writeFile(name string, write func(io.Writer) error) error {
	var b bytes.Buffer
	err := write(&b)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(name), 0o777)
	}
	if err == nil {
		err = outfile.Write(name, b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}
