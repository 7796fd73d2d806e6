// Package progress has loops over maps whose effect depends on how far they have come.
package progress

import (
	"iter"
	"maps"
	"slices"
)

type T struct {
	m     map[string]int
	other map[string]int
	list  []string
	n     int
	done  bool
	lists map[string][]int
}

//dsss:mutator
func (t *T) lenOfRanged() {
	for k := range t.m { // want `ranges over a map and reads len\(t\.m\) while it deletes, which depends on how far it has come`
		if len(t.m) > 3 {
			delete(t.m, k)
		}
	}
}

//dsss:mutator
func (t *T) lenByAlias() {
	m := t.m
	for k := range m { // want `ranges over a map and reads len\(m\) while it deletes, which depends on how far it has come`
		if len(t.m) > 3 {
			delete(m, k)
		}
	}
}

//dsss:mutator
func (t *T) lenByAlias2() {
	m := t.m
	for k := range t.m { // want `ranges over a map and reads len\(t\.m\) while it deletes, which depends on how far it has come`
		if len(m) > 3 {
			delete(t.m, k)
		}
	}
}

func (t *T) size() int { return len(t.m) }

//dsss:mutator
func (t *T) lenByMethod() {
	for k := range t.m { // want `ranges over a map and calls t\.size, which reads t\.m, while it deletes from it`
		if t.size() > 3 {
			delete(t.m, k)
		}
	}
}

//dsss:mutator
func (t *T) lenInInnerLoop() {
	for k := range t.m { // want `ranges over a map and reads len\(t\.m\) while it deletes, which depends on how far it has come`
		for len(t.m) > 3 {
			delete(t.m, k)
			break
		}
	}
}

//dsss:mutator
func (t *T) lenInSwitch() {
	for k := range t.m { // want `ranges over a map and reads len\(t\.m\) while it deletes, which depends on how far it has come`
		switch len(t.m) {
		case 1, 2, 3:
		default:
			delete(t.m, k)
		}
	}
}

//dsss:mutator
func (t *T) lenOfOther() {
	for k, v := range t.m { // want `ranges over a map and reads t\.other\[k\], which other iterations change`
		if len(t.other) < 3 {
			t.other[k] = v
		}
	}
}

//dsss:mutator
func (t *T) lenOfList() {
	var keys []string
	for k := range t.m { // want `ranges over a map and reads keys, which other iterations change`
		if len(keys) < 3 {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	t.list = keys
}

//dsss:mutator
func (t *T) counter() {
	n := 0
	for k := range t.m { // want `ranges over a map and reads n, which other iterations change`
		if n++; n > 3 {
			delete(t.m, k)
		}
	}
}

//dsss:mutator
func (t *T) countDown() {
	left := 3
	for k := range t.m { // want `ranges over a map and reads left, which other iterations change`
		if left > 0 {
			left--
			delete(t.m, k)
		}
	}
}

//dsss:mutator
func (t *T) countAndBreak() {
	n := 0
	for k := range t.m { // want `ranges over a map and reads n, which other iterations change`
		if n == 3 {
			break
		}
		n++
		delete(t.m, k)
	}
}

//dsss:mutator
func (t *T) deleteAndBreak() {
	for k := range t.m { // want `ranges over a map and ends early, after it changed t\.m for some of the entries`
		delete(t.m, k)
		break
	}
}

//dsss:mutator
func (t *T) deleteAndReturn() {
	for k, v := range t.m { // want `ranges over a map and ends early, after it changed t\.m for some of the entries`
		if v == 0 {
			delete(t.m, k)
			return
		}
	}
}

//dsss:mutator
func (t *T) flag() {
	for k := range t.m { // want `ranges over a map and reads t\.done, which other iterations change`
		if t.done {
			delete(t.m, k)
		}
		t.done = true
	}
}

//dsss:mutator
func (t *T) localFlag() {
	first := true
	for k := range t.m { // want `ranges over a map and reads first, which other iterations change`
		if first {
			delete(t.m, k)
		}
		first = false
	}
}

//dsss:mutator
func (t *T) neighbours() {
	for k := range t.m { // want `ranges over a map and reads t\.m\["a"\], which other iterations change`
		t.m[k] = t.m["a"] + 1
	}
}

//dsss:mutator
func (t *T) lookAhead() {
	for k := range t.m { // want `ranges over a map and reads t\.m\[k \+ "x"\], which other iterations change`
		if _, ok := t.m[k+"x"]; ok {
			delete(t.m, k)
		}
	}
}

//dsss:mutator
func (t *T) sumAsItGoes() {
	sum := 0
	for k, v := range t.m { // want `ranges over a map and reads sum, which other iterations change`
		sum += v
		t.m[k] = sum
	}
}

//dsss:mutator
func (t *T) grows() {
	for k, v := range t.m { // want `ranges over a map and adds entries to it, which it may or may not come to`
		t.m[k+"x"] = v
	}
}

//dsss:mutator
func (t *T) clears() {
	for _, v := range t.m { // want `ranges over a map and lets clear change t\.m in its order`
		if v == 0 {
			clear(t.m)
		}
	}
}

//dsss:mutator
func (t *T) deletesOthers() {
	for k := range t.m { // want `ranges over a map and deletes entries that it may not have come to`
		delete(t.m, k+"x")
	}
}

//dsss:mutator
func (t *T) replaces() {
	for k := range t.m {
		if k == "a" {
			t.m = nil
		}
	}
}

//dsss:mutator
func (t *T) deleteFuncCounts() {
	n := 0
	maps.DeleteFunc(t.m, func(string, int) bool { // want `deletes from a map by a function that reads n, which other iterations change`
		n++
		return n > 3
	})
}

//dsss:mutator
func (t *T) deleteFuncLen() {
	maps.DeleteFunc(t.m, func(string, int) bool { return len(t.m) > 3 }) // want `deletes from a map by a function that reads len\(t\.m\) while it deletes, which depends on how far it has come`
}

//dsss:mutator
func (t *T) deleteFuncFine() {
	maps.DeleteFunc(t.m, func(k string, v int) bool { return v < t.n || k == "" })
}

//dsss:mutator
func (t *T) keysLen() {
	for k := range maps.Keys(t.m) { // want `ranges over a map and reads len\(t\.m\) while it deletes, which depends on how far it has come`
		if len(t.m) > 3 {
			delete(t.m, k)
		}
	}
}

func (t *T) all() iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := range t.m {
			if !yield(k) {
				return
			}
		}
	}
}

//dsss:mutator
func (t *T) ownIterator() {
	for k := range t.all() { // want `ranges over a map and appends to t\.list in its order`
		t.list = append(t.list, k)
	}
}

//dsss:mutator
func (t *T) callback() {
	each(t.m, func(k string) { t.list = append(t.list, k) }) // want `ranges over a map and calls f in its order, and what that does is not known`
}

func each(m map[string]int, f func(string)) {
	for k := range m {
		f(k)
	}
}

func (t *T) drop(k string) {
	if len(t.m) > 3 {
		delete(t.m, k)
	}
}

//dsss:mutator
func (t *T) byMethod() {
	for k := range t.m { // want `ranges over a map and lets t\.drop change t in its order`
		t.drop(k)
	}
}

//dsss:mutator
func (t *T) byLiteral() {
	drop := func(k string) {
		if len(t.m) > 3 {
			delete(t.m, k)
		}
	}
	for k := range t.m { // want `ranges over a map and calls drop in its order, and what that does is not known`
		drop(k)
	}
}

//dsss:mutator
func (t *T) lenOfInner() {
	for k := range t.lists {
		if len(t.lists[k]) > 3 {
			t.lists[k] = t.lists[k][:3]
		}
	}
}

//dsss:mutator
func (t *T) lenBefore() {
	n := len(t.m)
	for k := range t.m {
		if n > 3 {
			delete(t.m, k)
		}
	}
}

//dsss:mutator
func (t *T) lenAfter() {
	for k, v := range t.m {
		if v == 0 {
			delete(t.m, k)
		}
	}
	t.n = len(t.m)
}

//dsss:mutator
func (t *T) labeled() {
outer:
	for k := range t.m {
		for _, l := range t.list {
			if l == k {
				delete(t.m, k)
				continue outer
			}
		}
	}
}

//dsss:mutator
func (t *T) ownEntryAgain() {
	for k := range t.m {
		t.m[k] += t.m[k]
		if t.m[k] > 9 {
			delete(t.m, k)
		}
	}
}

func (t *T) old(k string) bool { return t.m[k] < t.n }

//dsss:mutator
func (t *T) byPredicate() {
	for k := range t.m {
		if t.old(k) && !t.kept(k) {
			delete(t.m, k)
		}
	}
}

func (t *T) kept(k string) bool { return slices.Contains(t.list, k) }

//dsss:mutator
func (t *T) rebuilt() {
	old := t.m
	t.m = map[string]int{}
	for k, v := range old {
		if len(old) > 3 {
			t.m[k] = v + len(old)
		}
	}
}

//dsss:mutator
func (t *T) setByLen() {
	for k := range t.m {
		t.m[k] = len(t.m)
	}
}

//dsss:mutator
func (t *T) sortedIterator() {
	for _, k := range slices.Sorted(t.all()) {
		if len(t.m) > 3 {
			delete(t.m, k)
		}
	}
}

//dsss:mutator
func (t *T) countedIterator() {
	n := 0
	for range t.all() {
		n++
	}
	t.n = n
}

//dsss:mutator
func (t *T) collectedIterator() {
	t.list = slices.Collect(t.all()) // want `keeps the order of all`
}

func (t *T) each(yield func(string) bool) {
	for k := range t.m {
		if !yield(k) {
			return
		}
	}
}

func (t *T) longer(n int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := range t.all() {
			if len(k) > n && !yield(k) {
				return
			}
		}
	}
}

//dsss:mutator
func (t *T) methodIterator() {
	for k := range t.each { // want `ranges over a map and appends to t\.list in its order`
		t.list = append(t.list, k)
	}
}

//dsss:mutator
func (t *T) iteratorOfIterator() {
	for k := range t.longer(2) { // want `ranges over a map and appends to t\.list in its order`
		t.list = append(t.list, k)
	}
}

//dsss:mutator
func (t *T) sliceIterator() {
	for k := range slices.Values(t.list) {
		if len(t.m) > 3 {
			delete(t.m, k)
		}
	}
}

//dsss:mutator
func (t *T) pairs() {
	for a := range t.m { // want `ranges over a map and reads t\.m while it deletes from it, which depends on how far it has come`
		for b := range t.m { // want `ranges over a map and deletes entries that it may not have come to`
			if a < b {
				delete(t.m, a)
			}
		}
	}
}
