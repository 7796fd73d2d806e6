package main

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
	"gonum.org/v1/gonum/stat"
)

// A mark is a moment of a measurement.
type mark int

// The marks, in their order. Between stop and measureTo the load goes on, so that nobody measures the end of others.
const (
	none mark = iota
	measureFrom
	measureTo
	stop
	over
)

// A schedule tells when a client passes the marks. A quarter of the duration warms up; what is measured lasts at least the
// duration, however late its begin was noticed; an eighth follows.
type schedule struct {
	duration time.Duration
	next     mark
	due      time.Time // of next
}

func newSchedule(d time.Duration) schedule {
	return schedule{duration: d, next: measureFrom, due: time.Now().Add(d / 4)}
}

// pass returns the mark that now is behind and that no earlier call returned, or none.
func (s *schedule) pass(now time.Time) mark {
	if s.next == over || now.Before(s.due) {
		return none
	}
	m := s.next
	s.next++
	switch m {
	case measureFrom:
		s.due = now.Add(s.duration)
	case measureTo:
		s.due = now.Add(s.duration / 8)
	}
	return m
}

// A sample is how far a client is at a moment.
type sample struct {
	at             time.Time
	own, all       uint64 // updates: that it has sent, that have come from anybody
	sent, received uint64 // bytes
}

func newSample(own, all uint64) sample {
	s := sample{at: time.Now(), own: own, all: all}
	s.sent, s.received = wireBytes()
	return s
}

// rates returns what happened between two samples.
func rates(a, b sample) (result, error) {
	if a.own == b.own || a.all == b.all {
		return result{}, errors.New("not one update was measured: give it more --seconds")
	}
	return result{
		PerSecond: float64(b.all-a.all) / b.at.Sub(a.at).Seconds(),
		Sent:      float64(b.sent-a.sent) / float64(b.own-a.own),
		Received:  float64(b.received-a.received) / float64(b.all-a.all),
	}, nil
}

// wireBytes asks the kernel what this process's TCP connections have carried, TCP's own headers apart; see tcp(7), TCP_INFO.
func wireBytes() (sent, received uint64) {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0, 0
	}
	for _, e := range fds {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			sent += info.Bytes_sent
			received += info.Bytes_received
		}
	}
	return sent, received
}

// closedLoop makes one call after the other and times each. number counts from 1.
func closedLoop(d time.Duration, call func(number uint64) error) (result, error) {
	times := make([]float64, 0, 1<<20) // µs
	var number uint64
	var from sample
	clock := newSchedule(d)
	for last := time.Now(); ; {
		number++
		if err := call(number); err != nil {
			return result{}, err
		}
		now := time.Now()
		if clock.next == measureTo {
			times = append(times, float64(now.Sub(last).Nanoseconds())/1e3)
		}
		last = now
		switch clock.pass(now) {
		case measureFrom:
			from = newSample(number, number)
			last = time.Now()
		case measureTo:
			r, err := rates(from, newSample(number, number))
			slices.Sort(times)
			r.P50, r.P99 = quantile(0.5, times), quantile(0.99, times)
			r.Total = number
			return r, err
		}
	}
}

// quantile is a value that occurred: the least that at least the share p of the sorted values do not exceed.
func quantile(p float64, sorted []float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return stat.Quantile(p, stat.Empirical, sorted, nil)
}

// A spread is the median of some repetitions and how far the middle half of them reaches.
type spread struct{ median, iqr float64 }

func spreadOf(values []float64) spread {
	s := slices.Sorted(slices.Values(values))
	return spread{quantile(0.5, s), quantile(0.75, s) - quantile(0.25, s)}
}
