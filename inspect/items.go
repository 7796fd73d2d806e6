package inspect

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// items compares two slices, arrays or matrices behind their beginning.
func (d *differ) items(begin Event) bool {
	for i := int64(0); ; {
		a, b, ok := d.both()
		switch {
		case !ok:
			return false
		case a.Kind == End && b.Kind == End:
			return true
		case a.Kind == End:
			d.b.back(b)
			return d.extra(begin, &d.b, i)
		case b.Kind == End:
			d.a.back(a)
			return d.extra(begin, &d.a, i)
		case a.Kind == Values && b.Kind == Values:
			n, ok := d.runs(begin, a, b, i)
			if !ok {
				return false
			}
			i += n
		default:
			d.a.back(a)
			d.b.back(b)
			if !d.element(begin, i, d.value) {
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
			if a.Scalar == b.Scalar && bytes.Equal(x, y) {
				continue
			}
			if !d.element(begin, first+int64(i), func() bool { return d.scalar(a, b, x, y) }) {
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

// extra reports the elements, from the first on, that only the state that c reads has.
func (d *differ) extra(begin Event, c *cursor, first int64) bool {
	text, n := "", 0
	for {
		e, ok := c.next()
		one, more := "", 1
		switch {
		case !ok:
			return false
		case e.Kind == End:
			return d.element(begin, first, func() bool { return d.reportOnly(c, text, n) })
		case e.Kind == Values:
			size := e.Scalar.Size()
			one, more = string(e.Scalar.Append(nil, e.Data[:size])), len(e.Data)/size
		default:
			c.back(e)
			if one, ok = c.text(); !ok {
				return false
			}
		}
		if n == 0 {
			text = one
		}
		n += more
	}
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
	return d.element(Event{}, shared, func() bool {
		return d.report(strconv.Itoa(int(a.kept[shared-a.start])), strconv.Itoa(int(b.kept[shared-b.start])), 1)
	})
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

// before and behind are how many bytes of a string are shown on either side of the first one that differs.
const before, behind = 24, 40

// pieces are those of one of two strings, and what is kept of it: the bytes around the first difference.
type pieces struct {
	c    *cursor
	rest []byte // of the piece that was read last
	end  bool

	kept  []byte
	start int64 // of kept in the string
	size  int64 // of the string as far as it was read
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

// share goes behind n bytes that the other string has too.
func (p *pieces) share(n int) {
	p.size += int64(n)
	p.kept = append(p.kept, p.rest[max(0, n-2*before):n]...)
	p.kept = slices.Delete(p.kept, 0, max(0, len(p.kept)-2*before))
	p.start = p.size - int64(len(p.kept))
	p.rest = p.rest[n:]
}

// drain reads what is left behind the bytes that are shared.
func (p *pieces) drain(shared int64) bool {
	for p.more() {
		if len(p.rest) == 0 {
			return true
		}
		room := shared + behind - (p.start + int64(len(p.kept)))
		p.kept = append(p.kept, p.rest[:min(int64(len(p.rest)), max(0, room))]...)
		p.size += int64(len(p.rest))
		p.rest = nil
	}
	return false
}

// quote shows the string around the first difference.
func (p *pieces) quote(shared int64) string {
	from := 0
	if shared > 2*before {
		from = int(shared - before - p.start)
		for i := 0; i < utf8.UTFMax-1 && from < len(p.kept) && !utf8.RuneStart(p.kept[from]); i++ {
			from++
		}
	}
	text := strconv.Quote(string(p.kept[from:]))
	if p.start+int64(from) > 0 {
		text = "…" + text
	}
	if p.start+int64(len(p.kept)) < p.size {
		text += "…"
	}
	return text
}
