package chaos

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// historyTime is how long the search for an order of one register's history may take; histories are short.
const historyTime = time.Minute

// An operation on a register, as porcupine takes it. Its answer is a Record, whose Fate is not empty when nothing but
// that it was, or may have been, applied is known.
var registerModel = porcupine.Model{
	Init: func() any { return int64(0) },
	Step: func(state, input, output any) (bool, any) {
		is, in, out := state.(int64), input.(Record), output.(Record)
		known := out.Fate == applied
		switch in.Op {
		case opRead:
			return out.Value == is, is
		case opWrite:
			return !known || out.Old == is, in.Value
		}
		swapped := is == in.Old
		if swapped {
			is = in.Value
		}
		return !known || out.Done == swapped, is
	},
	DescribeOperation: func(input, output any) string {
		in, out := input.(Record), output.(Record)
		return fmt.Sprintf("%s %d (%d) -> %d %v %s", in.Op, in.Value, in.Old, out.Value, out.Done, out.Fate)
	},
}

// checkRegisters asks for an order of the run's operations on each register that everybody can have seen. The final
// state is one more read, when all of the run is in it.
func (c *Checker) checkRegisters(r *run, whole bool, total *Total) {
	histories := map[int64][]porcupine.Operation{}
	for _, l := range c.logs {
		if l.run != r.number {
			continue
		}
		for i, in := range l.records {
			if in.What != calling {
				continue
			}
			out := Record{At: math.MaxInt64, Fate: unconfirmed}
			if k := slices.IndexFunc(l.records[i+1:], func(r Record) bool { return r.What == returned && r.Client == in.Client }); k >= 0 {
				out = l.records[i+1+k]
			}
			total.Operations++
			h := histories[in.Key]
			switch {
			case out.Fate == notApplied || in.Op == opRead && out.Fate != applied:
				histories[in.Key] = h // the final state tells whether it was applied
				continue
			case out.Fate != applied && out.Fate != resultLost:
				out.At = math.MaxInt64 // it may be applied at any time
			}
			histories[in.Key] = append(h, porcupine.Operation{ClientId: len(h), Input: in, Call: in.At, Output: out, Return: out.At})
		}
	}
	for key, h := range histories {
		if whole {
			h = append(h, porcupine.Operation{ClientId: len(h), Input: Record{Op: opRead}, Call: math.MaxInt64 - 1,
				Output: Record{Value: c.registers[key]}, Return: math.MaxInt64})
		}
		total.Histories++
		if result := porcupine.CheckOperationsTimeout(registerModel, h, historyTime); result != porcupine.Ok {
			c.failf("run %d: the history of register %d, %d operations, is not linearizable: %v\n%s", r.number, key, len(h), result, describe(h))
		}
	}
}

// describe renders a history, in order of its calls.
func describe(h []porcupine.Operation) string {
	slices.SortFunc(h, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	text := ""
	for _, o := range h {
		text += fmt.Sprintf("  %d to %d: %s\n", o.Call, o.Return, registerModel.DescribeOperation(o.Input, o.Output))
	}
	return text
}
