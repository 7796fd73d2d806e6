package sim

import (
	"math/rand/v2"
	"time"

	"dsss/internal/limits"
	"dsss/runtime/coordinator"
)

// A mix is what one seed has of everything.
type mix struct {
	workers     int
	durability  coordinator.Durability
	length      time.Duration // of the part with faults
	kinds       [faults]bool
	every       time.Duration // mean time between faults
	think       time.Duration // mean time between a worker's mutations
	burst       int           // the most that it makes at once
	inFlight    int           // the most of it without a result
	opsEach     int           // the most of one worker
	lone        float64       // how often a caller says that it will wait
	latency     time.Duration
	slow        float64       // how often a parcel takes far longer
	notice      time.Duration // mean time until an end is noticed
	window      int           // parcels that a connection takes before its writer waits
	logMemory   int
	segment     int64
	logInterval time.Duration
	beat        time.Duration // between signs of life
	diskSlow    time.Duration // the longest that the disk takes for a group
	saveEvery   time.Duration // mean time between checkpoints; 0: none by the clock
	forgets     float64       // how often a worker does not hear what was ordered, and sends all of it again
	leased      bool          // a coordinator that was replaced knows at once that it may be
	eager       float64       // how likely a stopped coordinator is replaced
	habits
}

func drawMix(r *rand.Rand) mix {
	pick := func(of ...time.Duration) time.Duration { return of[r.IntN(len(of))] }
	m := mix{
		workers:     2 + r.IntN(4),
		durability:  []coordinator.Durability{coordinator.Memory, coordinator.Interval, coordinator.Sync}[r.IntN(3)],
		length:      pick(300*time.Millisecond, 600*time.Millisecond, time.Second),
		every:       pick(15*time.Millisecond, 50*time.Millisecond, 200*time.Millisecond),
		think:       pick(time.Millisecond, 5*time.Millisecond, 20*time.Millisecond),
		burst:       1 + r.IntN(6),
		inFlight:    1 + r.IntN(30),
		opsEach:     20 + r.IntN(100),
		lone:        r.Float64(),
		latency:     pick(20*time.Microsecond, 200*time.Microsecond, 2*time.Millisecond),
		notice:      pick(100*time.Microsecond, 3*time.Millisecond, 50*time.Millisecond),
		window:      1 + r.IntN(1<<r.IntN(7)),
		logMemory:   1 << (10 + r.IntN(7)),
		segment:     1 << (9 + r.IntN(6)),
		logInterval: pick(2*time.Millisecond, 10*time.Millisecond, 50*time.Millisecond),
		diskSlow:    pick(20*time.Microsecond, 500*time.Microsecond, 5*time.Millisecond),
	}
	if r.IntN(2) == 0 {
		m.slow = 0.05 * r.Float64()
	}
	if r.IntN(3) > 0 {
		m.saveEvery = pick(10*time.Millisecond, 50*time.Millisecond, 200*time.Millisecond)
	}
	if r.IntN(2) == 0 {
		m.forgets = r.Float64()
	}
	m.beat = pick(10*time.Millisecond, 100*time.Millisecond, limits.Heartbeat)
	m.eager, m.leased = r.Float64(), r.IntN(2) == 0
	for k := range m.kinds {
		m.kinds[k] = r.IntN(2) == 0
	}
	m.habits = drawHabits(r)
	return m
}

// focus has the faults against which stands what m lacks.
func (m *mix) focus(on Mutant) {
	only := func(kinds ...fault) {
		m.kinds, m.every = [faults]bool{}, 40*time.Millisecond
		for _, k := range kinds {
			m.kinds[k] = true
		}
	}
	switch on {
	case NoDedupe:
		only(dialAnew, cutLink)
		m.forgets = 1
	case NoGate:
		only(powerFailure)
		m.durability = coordinator.Sync
	case NoEpochs:
		only(leaveFurthest, wrongExpect)
	case NoExpect:
		only(crashCoord, stopWorker)
	case NoCut:
		only(powerFailure, diskFull, diskError)
		m.every, m.think = 15*time.Millisecond, time.Millisecond
	case NoResend:
		only(cutLink, crashCoord)
	case NoOmit:
		only(blowUp, crashCoord)
		m.every = 100 * time.Millisecond
	case NoCover: // replicas that soon remember little of what is not on disk, where memory soon runs short
		only(crashCoord)
		m.durability, m.beat, m.logMemory, m.saveEvery = coordinator.Memory, 10*time.Millisecond, 8<<10, 0
	case NoRoom: // the same, and new keepers need what workers alone hold
		only(crashCoord, crashKeeper)
		m.beat, m.logMemory, m.saveEvery, m.every = 10*time.Millisecond, 2<<10, 0, 20*time.Millisecond
		m.leave, m.burst, m.inFlight, m.bounds.Window, m.length = 0.1, 6, 30, limits.Window, 300*time.Millisecond
		m.durability = coordinator.Memory
	case NoEnd:
		only(givenUp, crashWorker, cutLink)
	case NoRecall:
		only(crashCoord, crashKeeper, powerFailure)
		m.every, m.logInterval, m.durability = 30*time.Millisecond, 20*time.Millisecond, coordinator.Interval
		m.notice = 20 * time.Millisecond
	default:
		m.focusHosted(on, only)
	}
	switch {
	case m.durability == coordinator.Sync && (on == NoEpochs || on == NoExpect || on == NoRecall),
		m.durability == coordinator.Memory && on == NoCut:
		m.durability = coordinator.Interval
	}
}

// focusHosted is focus for what hosted objects need.
func (m *mix) focusHosted(on Mutant, only func(...fault)) {
	switch on {
	case NoStreams: // the host dies with the coordinator before the keeper has what it had
		only(crashSeveral)
		m.durability, m.think = coordinator.Memory, time.Millisecond
	case NoFull:
		only(crashCoord, stopWorker)
		m.durability = coordinator.Memory
	case NoRetain:
		only(cutLink, crashCoord)
	case NoAck, NoCursor:
		only()
	case NoHead:
		only(stopWorker)
	default:
		return
	}
	m.hosted, m.query = 0.5, 0.5
}
