package kinds

import (
	"fmt"
	"time"
)

// Large is a state with n items in a field of every kind of slice and map; backwards fills its maps in another order.
func Large(n int, backwards bool) *Everything {
	e := &Everything{words: map[string]int64{}, byID: map[int64]string{}, byLevel: map[Level]Path{}, lists: map[int32][]float64{}, set: map[string]struct{}{}, idSet: map[uint32]struct{}{}, present: map[int16]bool{}, celsiusT: map[time.Duration]Celsius{}}
	for i := range n {
		e.ints = append(e.ints, i)
		e.bools = append(e.bools, i%3 == 0)
		e.strings = append(e.strings, fmt.Sprint("item ", i))
		e.rows = append(e.rows, Row{float64(i), 1})
		e.points = append(e.points, Point{X: float64(i)})
		j := i
		if backwards {
			j = n - 1 - i
		}
		e.words[fmt.Sprint("word ", j)] = int64(j)
		e.byID[int64(j)] = fmt.Sprint("name ", j)
		e.byLevel[Level(j)] = Path{Name: fmt.Sprint(byte(j))}
		e.lists[int32(j)] = []float64{float64(j)}
		e.set[fmt.Sprint(j)] = struct{}{}
		e.idSet[uint32(j)] = struct{}{}
		e.present[int16(j)] = int16(j)%2 == 0
		e.celsiusT[time.Duration(j)] = Celsius(j)
	}
	e.blobs = [][]byte{make([]byte, 300_000), make([]byte, 300_000), {}, nil}
	e.s = "at the end"
	return e
}

// OfNumbers is a state of numbers, which it keeps.
func OfNumbers(numbers []float64) *Everything { return &Everything{float64s: numbers} }

// OfList is a state of numbers in a value of a map.
func OfList(numbers []float64) *Everything {
	return &Everything{lists: map[int32][]float64{-1: {1}, 7: numbers, 8: {2}}}
}
