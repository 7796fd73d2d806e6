package maporder

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"
	"sync"
)

//dsss:mutator
func (t *T) Floats() {
	for _, f := range t.f { // want `mutator \(\*T\)\.Floats is not deterministic: ranges over a map and computes t\.total in floating point in its order \(line 16\): rounding depends on the order; range over sorted keys`
		t.total += f
	}
	for _, f := range t.f { // want `computes t\.total in floating point`
		t.total = t.total + f
	}
	var best float64
	for _, f := range t.f { // want `sets best, which keeps what came last`
		if f > best {
			best = f
		}
	}
	for k := range t.m { // want `appends to the string t\.text in its order`
		t.text += k
	}
	for _, v := range t.m { // want `changes t\.n in its order`
		t.n /= v
	}
	for _, v := range t.m { // want `changes t\.n in several ways in its order`
		t.n += v
		t.n *= 2
	}
}

//dsss:mutator
func (t *T) First() (string, int) {
	for k := range t.m { // want `ends at the first that fits, which depends on its order`
		return k, 0
	}
	for k, v := range t.m { // want `ends at the first that fits`
		if v > 3 {
			return "x", len(k)
		}
	}
	for k := range t.m { // want `sets t\.first, which keeps what came last`
		t.first = k
	}
	for k := range t.m { // want `sets t\.first`
		t.first = k
		break
	}
	for _, v := range t.m { // want `ends early in several ways`
		if v > 3 {
			return "", 1
		}
		if v < 3 {
			return "", 2
		}
	}
	for _, v := range t.m { // want `ends early, after it changed t\.n for some of the entries`
		if v > 3 {
			return "", 1
		}
		t.n += v
	}
	for k, v := range t.m { // want `ends early, after it changed t\.out\[k\] for some`
		t.out[k] = v
		if v > 3 {
			break
		}
	}
	for _, v := range t.m { // want `ends early, after it changed t\.n`
		if v > 3 {
			t.n = 1
		} else {
			t.dirty = true
			break
		}
	}
	for k := range t.m { // want `ends at the first that fits`
		if k > "a" {
			panic(fmt.Sprint("bad ", k))
		}
	}
	var k string
	for k = range t.m { // want `leaves its last key or value in k`
	}
	return k, 0
}

//dsss:mutator
func (t *T) Ties() {
	best, key := 0, ""
	for k, v := range t.m { // want `sets best, which keeps what came last .*: if the key decides between equal ones, compare it too`
		if v > best {
			best, key = v, k
		}
	}
	for k, v := range t.m { // want `sets best`
		if v > best || k < key {
			best, key = v, k
		}
	}
	use(best, key)
}

//dsss:mutator
func (t *T) Order() []string {
	var keys []string
	for k := range t.m { // want `appends to keys in its order \(line 115\): sort it before it is used`
		keys = append(keys, k)
	}
	use(keys)
	sort.Strings(keys)
	for k := range t.m { // want `appends to t\.keys in its order`
		t.keys = append(t.keys, k)
	}
	for range 3 {
		for k := range t.m { // want `appends to keys`
			keys = append(keys, k)
		}
		use(keys)
	}
	slices.Sort(keys)
	for k, v := range t.m { // want `sets t\.groups\["all"\]|appends to t\.groups\["all"\]`
		t.groups["all"] = append(t.groups["all"], v+len(k))
	}
	i := 0
	for k := range t.m { // want `fills keys in its order .*: sort it before it is used`
		keys[i] = k
		i++
	}
	use(keys)
	for k, v := range t.m { // want `sets keys\[i\], which keeps what came last`
		keys[i] = k
		if v > 3 {
			i++
		}
	}
	slices.Sort(keys)
	for k := range t.m { // want `reads i, which other iterations change`
		keys[i] = k
		i++
		t.out[k] = i
	}
	slices.Sort(keys)
	var b strings.Builder
	for k := range t.m { // want `lets b\.WriteString change b in its order`
		b.WriteString(k)
	}
	for k := range t.m { // want `lets fmt\.Fprintln change &b in its order`
		fmt.Fprintln(&b, k)
	}
	for k := range t.m { // want `lets t\.note change t in its order`
		t.note(k)
	}
	for k := range t.m { // want `sets t\.text, which keeps what came last`
		f := func(s string) { t.text = s }
		f(k)
	}
	var out []string
	for k := range t.m { // want `appends to out`
		out = append(out, k)
	}
	return out
}

//dsss:mutator
func (t *T) Reads() {
	for k, v := range t.m { // want `reads t\.n, which other iterations change`
		t.n += v
		t.out[k] = t.n
	}
	for _, v := range t.m { // want `reads t\.n, which other iterations change`
		if t.n < 10 {
			t.n += v
		}
	}
	for k := range t.m { // want `reads t\.out\[k\], which other iterations change`
		t.out[k] = len(t.out)
	}
	for _, v := range t.m { // want `reads t\.n, which other iterations change`
		t.n += v * t.sum()
	}
	for k, v := range t.m { // want `sets t\.out\[fmt\.Sprint\(v\)\], which keeps what came last`
		t.out[fmt.Sprint(v)] = len(k)
	}
	for k, v := range t.m { // want `adds entries to it, which it may or may not come to`
		t.m[k+"x"] = v
	}
	for k := range t.m { // want `deletes entries that it may not have come to`
		delete(t.m, k+"x")
	}
	for k := range t.m { // want `defers calls in its order`
		defer use(k)
	}
	var last *person
	for _, p := range t.people { // want `sets last`
		last = p
	}
	for k, v := range t.m { // want `lets copy change t\.keys in its order|sets t\.keys`
		copy(t.keys, []string{k})
		use(v)
	}
	use(last)
}

//dsss:mutator
func (t *T) OtherOrders(m *sync.Map) {
	for k := range maps.Keys(t.m) { // want `ranges over a map and appends to the string t\.text`
		t.text += k
	}
	for k, v := range maps.All(t.m) { // want `ranges over a map and sets t\.n`
		t.n = len(k) + v
	}
	t.keys = slices.Collect(maps.Keys(t.m))      // want `keeps the order of maps\.Keys: collect the keys, sort them and range over those`
	use(maps.Values(t.m))                        // want `keeps the order of maps\.Values`
	m.Range(func(k, v any) bool { return true }) // want `calls \(\*sync\.Map\)\.Range`
	r := reflect.ValueOf(t.m).MapRange()         // want `calls reflect\.Value\.MapRange`
	use(r)
}

type table map[string]int

func values[M ~map[K]V, K comparable, V any](m M) []V {
	var all []V
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

//dsss:mutator
func (t *T) Named(m table) {
	for k := range m { // want `appends to the string`
		t.text += k
	}
	use(values(m)) // want `ranges over a map and appends to all in its order .* at seen\.go:\d+ through values`
}
