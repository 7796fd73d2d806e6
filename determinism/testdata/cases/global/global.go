package global

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand"
	"regexp"
	"sort"
	"sync"

	"cases/nearby"
)

type T struct{ n int }

var (
	// Constant: set in their declarations and nowhere else.
	ErrFull = errors.New("full")
	table   = []int{1, 2, 3}
	byName  = map[string]int{"a": 1}
	word    = regexp.MustCompile(`\w+`)
	limits  = struct{ low, high int }{1, 2}

	// filled by init, which counts as their declaration.
	squares [10]int

	// not constant.
	count   int
	cache   = map[string]int{}
	config  = &settings{}
	options settings
	buffer  bytes.Buffer
	rng     = rand.New(rand.NewSource(1))
	seen    sync.Map
	sorted  = []int{3, 1, 2}
	hooked  = []int{1}
	passed  = map[int]int{}
	aliased = map[int]int{}
	escaped int
)

type settings struct{ depth int }

func (s *settings) set(n int) { s.depth = n }
func (s *settings) get() int  { return s.depth }

func init() {
	for i := range squares {
		squares[i] = i * i
	}
}

func outside() {
	config.set(3)
	fill(passed)
	alias := aliased
	alias[1] = 2
	share(&escaped)
	json.Unmarshal(nil, &options)
}

func fill(m map[int]int) { m[1] = 1 }

var kept *int

func share(p *int) { kept = p; *kept = 1 }

//dsss:mutator
func (t *T) Constants(name string) error {
	n := table[1] + byName[name] + limits.low + squares[3] + len(word.FindString(name)) + nearby.Constant
	for _, x := range table {
		n += x
	}
	if n > 3 {
		return ErrFull
	}
	t.n = n
	return nil
}

//dsss:mutator
func (t *T) Writes() {
	count++             // want `writes the global variable count: keep it in the object, or make it constant`
	cache["a"] = 1      // want `writes the global variable cache`
	delete(cache, "b")  // want `writes the global variable cache`
	options.depth = 2   // want `writes the global variable options`
	buffer.WriteByte(1) // want `writes the global variable buffer`
	_ = rng.Intn(3)     // want `writes the global variable rng`
	seen.Store(1, 2)    // want `writes the global variable seen`
	sort.Ints(sorted)   // want `writes the global variable sorted`
	config.set(1)       // want `writes the global variable config`
	fill(passed)        // want `writes the global variable passed`
	nearby.Level = 3    // want `writes the global variable nearby\.Level`
}

//dsss:mutator
func (t *T) Reads() {
	t.n = count           // want `reads the global variable count, which is written at global\.go:84`
	t.n = cache["a"]      // want `reads the global variable cache`
	t.n = options.depth   // want `reads the global variable options`
	t.n = config.get()    // want `reads the global variable config, which is written at global\.go:55`
	t.n = passed[1]       // want `reads the global variable passed`
	t.n = aliased[1]      // want `reads the global variable aliased`
	t.n = sorted[0]       // want `reads the global variable sorted`
	t.n = nearby.Changing // want `reads the global variable nearby\.Changing, which is written at cases/nearby/nearby\.go:\d+`
	t.n = hooked[0]
}

func helper() int { return count }

//dsss:mutator
func (t *T) Indirect() {
	t.n = helper() // want `reads the global variable count, which is written at global\.go:84 at global\.go:\d+ through helper`
}
