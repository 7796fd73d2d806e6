package inspect

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// items compares two slices, arrays or matrices behind their beginning.
func (d *differ) items(begin Event) bool {
	for i := int64(0); ; {
		a, okA := d.a.next()
		b, okB := d.b.next()
		if !okA || !okB {
			return false
		}
		switch {
		case a.Kind == End && b.Kind == End:
			return true
		case a.Kind == End:
			d.b.back(b)
			return d.extra(begin, &d.b, i, func(text string, n int) bool { return d.report(Absent, text, n) })
		case b.Kind == End:
			d.a.back(a)
			return d.extra(begin, &d.a, i, func(text string, n int) bool { return d.report(text, Absent, n) })
		case a.Kind == Values && b.Kind == Values:
			n, ok := d.runs(begin, a, b, i)
			if !ok {
				return false
			}
			i += n
		default:
			d.a.back(a)
			d.b.back(b)
			if !d.within(indexStep(begin, i), d.value) {
				return false
			}
			i++
		}
	}
}

// runs compares as many scalars as both runs have, the first of which is element first, and leaves the rest of the longer one.
func (d *differ) runs(begin, a, b Event, first int64) (n int64, ok bool) {
	sizeA, sizeB := a.Scalar.Size(), b.Scalar.Size()
	n = int64(min(len(a.Data)/sizeA, len(b.Data)/sizeB))
	restA, restB := a.Data[n*int64(sizeA):], b.Data[n*int64(sizeB):]
	if a.Scalar != b.Scalar || !bytes.Equal(a.Data[:len(a.Data)-len(restA)], b.Data[:len(b.Data)-len(restB)]) {
		for i := range int(n) {
			x, y := a.Data[i*sizeA:(i+1)*sizeA], b.Data[i*sizeB:(i+1)*sizeB]
			if a.same(b, x, y) {
				continue
			}
			if !d.within(indexStep(begin, first+int64(i)), func() bool {
				return d.report(string(a.Scalar.Append(nil, x)), string(b.Scalar.Append(nil, y)), 1)
			}) {
				return n, false
			}
		}
	}
	if a.Data = restA; len(restA) > 0 {
		d.a.back(a)
	}
	if b.Data = restB; len(restB) > 0 {
		d.b.back(b)
	}
	return n, true
}

// extra reports the elements, from the first on, that only one of two has.
func (d *differ) extra(begin Event, c *cursor, first int64, report func(text string, n int) bool) bool {
	text, n := "", 0
	for {
		e, ok := c.next()
		switch {
		case !ok:
			return false
		case e.Kind == End:
			return d.within(indexStep(begin, first), func() bool { return report(text, n) })
		case e.Kind == Values:
			size := e.Scalar.Size()
			if n == 0 {
				text = string(e.Scalar.Append(nil, e.Data[:size]))
			}
			n += len(e.Data) / size
			continue
		}
		c.back(e)
		more, ok := c.render()
		if !ok {
			return false
		}
		if n == 0 {
			text = more
		}
		n++
	}
}

// before and behind are how many bytes of a string are shown on either side of the first one that differs.
const before, behind = 24, 40

// A window is what is kept of one of two strings: the bytes around the first difference.
type window struct {
	kept  []byte
	start int64 // of kept in the string
	size  int64 // of the string as far as it was read
}

// share takes bytes that the other string has too.
func (w *window) share(data []byte) {
	w.size += int64(len(data))
	w.kept = append(w.kept, data[max(0, len(data)-2*before):]...)
	if old := len(w.kept) - 2*before; old > 0 {
		w.kept = append(w.kept[:0], w.kept[old:]...)
	}
	w.start = w.size - int64(len(w.kept))
}

// take takes bytes from the first difference on, which is shared.
func (w *window) take(data []byte, shared int64) {
	room := shared + behind - (w.start + int64(len(w.kept)))
	w.kept = append(w.kept, data[:min(int64(len(data)), max(0, room))]...)
	w.size += int64(len(data))
}

// quote shows the string around the first difference.
func (w *window) quote(shared int64) string {
	from := 0
	if shared > 2*before {
		from = int(shared - before - w.start)
		for i := 0; i < utf8.UTFMax-1 && from < len(w.kept) && !utf8.RuneStart(w.kept[from]); i++ {
			from++
		}
	}
	text := strconv.Quote(string(w.kept[from:]))
	if w.start+int64(from) > 0 {
		text = "…" + text
	}
	if w.start+int64(len(w.kept)) < w.size {
		text += "…"
	}
	return text
}

// bytes compares two strings or byte slices behind their beginning.
func (d *differ) bytes(kind Kind) bool {
	a, b := pieces{c: &d.a}, pieces{c: &d.b}
	for {
		if !a.more() || !b.more() {
			return false
		}
		n := min(len(a.rest), len(b.rest))
		if n == 0 && len(a.rest) == len(b.rest) {
			return true // both have ended
		}
		k := commonPrefix(a.rest[:n], b.rest[:n])
		a.share(k)
		b.share(k)
		if k < n || n == 0 {
			break
		}
	}
	shared := a.size
	if !a.drain(shared) || !b.drain(shared) {
		return false
	}
	switch {
	case kind == Text:
		return d.report(a.quote(shared), b.quote(shared), 1)
	case shared == min(a.size, b.size):
		return d.report(fmt.Sprintf("%d bytes", a.size), fmt.Sprintf("%d bytes", b.size), 1)
	}
	return d.within(indexStep(Event{}, shared), func() bool {
		return d.report(strconv.Itoa(int(a.kept[shared-a.start])), strconv.Itoa(int(b.kept[shared-b.start])), 1)
	})
}

// pieces are those of one of two strings.
type pieces struct {
	window
	c    *cursor
	rest []byte // of the piece that was read last
	end  bool
}

// more makes sure that rest is not empty, unless the string has ended. It tells whether to go on.
func (p *pieces) more() bool {
	for len(p.rest) == 0 && !p.end {
		e, ok := p.c.next()
		if !ok {
			return false
		}
		p.rest, p.end = e.Data, e.Kind == End
	}
	return true
}

func (p *pieces) share(n int) {
	p.window.share(p.rest[:n])
	p.rest = p.rest[n:]
}

// drain reads what is left.
func (p *pieces) drain(shared int64) bool {
	for {
		if !p.more() {
			return false
		}
		if len(p.rest) == 0 {
			return true
		}
		p.take(p.rest, shared)
		p.rest = nil
	}
}

func commonPrefix(a, b []byte) int {
	if bytes.Equal(a, b) {
		return len(a)
	}
	i := 0
	for a[i] == b[i] {
		i++
	}
	return i
}
