package hostile

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// A mutator makes inputs.
type mutator struct {
	r     *rand.Rand
	seeds []Input
	// The input last made, and buffers that are free; no two share memory.
	in   Input
	free [][]byte
}

// longest bounds how far an input may grow, in bytes and in buffers over its seed.
const longest = 1 << 10

// next returns an input, which is valid until the next call.
func (m *mutator) next() Input {
	seed := m.seed()
	m.cut(0)
	for _, buf := range seed {
		m.add(buf)
	}
	for again := true; again; again = m.r.IntN(3) == 0 {
		if len(m.in) == 0 || m.r.IntN(8) == 0 && (len(m.in) > 1 || len(m.seeds) > 1) {
			m.stream(len(seed))
			continue
		}
		i := m.r.IntN(len(m.in))
		m.in[i] = m.buffer(m.in[i])
	}
	return m.in
}

func (m *mutator) seed() Input { return m.seeds[m.r.IntN(len(m.seeds))] }

// add appends a copy of buf.
func (m *mutator) add(buf []byte) {
	var b []byte
	if n := len(m.free); n > 0 {
		b, m.free = m.free[n-1], m.free[:n-1]
	}
	m.in = append(m.in, append(b[:0], buf...))
}

// cut leaves the first n buffers.
func (m *mutator) cut(n int) {
	m.free = append(m.free, m.in[n:]...)
	m.in = m.in[:n]
}

// stream changes the order and number of the buffers.
func (m *mutator) stream(most int) {
	other := m.seed()
	if len(m.in) == 0 {
		m.add(other[m.r.IntN(len(other))])
		return
	}
	i, j := m.r.IntN(len(m.in)), m.r.IntN(len(m.in))
	switch m.r.IntN(6) {
	case 0: // left out; what is behind it moves up
		for ; i+1 < len(m.in); i++ {
			m.in[i], m.in[i+1] = m.in[i+1], m.in[i]
		}
		m.cut(i)
	case 1: // repeated, at some place
		if len(m.in) <= most+4 {
			m.add(m.in[i])
			last := len(m.in) - 1
			m.in[j], m.in[last] = m.in[last], m.in[j]
		}
	case 2:
		m.in[i], m.in[j] = m.in[j], m.in[i]
	case 3: // another seed's
		m.in[i] = append(m.in[i][:0], other[m.r.IntN(len(other))]...)
	case 4:
		m.cut(i)
	case 5: // the rest of another seed
		m.cut(i)
		for _, buf := range other[min(i, len(other)):] {
			m.add(buf)
		}
	}
}

// buffer changes one buffer.
func (m *mutator) buffer(b []byte) []byte {
	if len(b) < 8 {
		for range m.r.IntN(16) {
			b = append(b, byte(m.r.Uint32()))
		}
		return b
	}
	switch m.r.IntN(18) {
	case 0, 1:
		b[m.r.IntN(len(b))] ^= 1 << m.r.IntN(8)
	case 2:
		b[m.r.IntN(len(b))] = byte(m.r.Uint32())
	case 3, 4, 5, 6, 7:
		m.word(b)
	case 8, 9:
		at := m.r.IntN(len(b)/2) * 2
		binary.LittleEndian.PutUint16(b[at:], [...]uint16{0, 1, 2, 3, 4, 6, 8, 12, uint16(m.r.IntN(64)), uint16(len(b)), 0x7fff, 0xffff}[m.r.IntN(12)])
	case 10:
		at := m.r.IntN(len(b)/8) * 8
		binary.LittleEndian.PutUint64(b[at:], [...]uint64{0, 1, math.MaxInt64, math.MaxUint64, 1 << 62, uint64(m.r.IntN(64)), uint64(len(b))}[m.r.IntN(7)])
	case 11:
		b = b[:m.r.IntN(len(b))]
	case 12:
		from, n := m.span(b)
		b = append(b[:from], b[from+n:]...)
	case 13: // more, at the end or in the middle
		if len(b) < longest*4 {
			from, n := m.span(b)
			b = append(b, b[from:from+n]...)
			if m.r.IntN(2) == 0 {
				to := m.r.IntN(len(b)-n)&^3 + n
				copy(b[to:], b[to-n:len(b)-n])
			}
		}
	case 14: // what stands elsewhere
		from, n := m.span(b)
		copy(b[m.r.IntN(len(b))&^3:], b[from:from+n])
	case 16, 17:
		m.share(b)
	case 15: // what stands in another input
		other := m.seed()
		if buf := other[m.r.IntN(len(other))]; len(buf) >= 8 {
			from, n := m.span(buf)
			copy(b[min(from, len(b))&^3:], buf[from:from+n])
		}
	}
	return b
}

// word replaces a word by what may be an offset, a count, or neither.
func (m *mutator) word(b []byte) {
	at := m.r.IntN(len(b)/4) * 4
	was := binary.LittleEndian.Uint32(b[at:])
	small := uint32(m.r.IntN(16))
	var word uint32
	switch m.r.IntN(12) {
	case 0:
		word = 0
	case 1:
		word = math.MaxUint32 - small
	case 2:
		word = math.MaxInt32 - small
	case 3:
		word = 1<<31 + small
	case 4:
		word = uint32(len(b)-at) - 8 + small // to the end
	case 5:
		word = uint32(len(b)) - 8 + small
	case 6:
		word = uint32(m.r.IntN(len(b) - at))
	case 7:
		word = -uint32(m.r.IntN(at + 4)) // back, as to a vtable
	case 8:
		word = binary.LittleEndian.Uint32(b[m.r.IntN(len(b)/4)*4:])
	case 9:
		word = was + small
	case 10:
		word = was - small
	case 11:
		word = was << m.r.IntN(31)
	}
	binary.LittleEndian.PutUint32(b[at:], word)
}

// share makes a word, or all words of a piece, offsets to what another word is an offset to.
func (m *mutator) share(b []byte) {
	from := m.r.IntN(len(b)/4) * 4
	target := uint32(from) + binary.LittleEndian.Uint32(b[from:])
	if target >= uint32(len(b)) {
		target = uint32(m.r.IntN(len(b)))
	}
	at := m.r.IntN(len(b)/4) * 4
	for n := 1 + m.r.IntN(2)*m.r.IntN(len(b)/4); n > 0 && at+4 <= len(b); n-- {
		binary.LittleEndian.PutUint32(b[at:], target-uint32(at))
		at += 4
	}
}

// span is a piece of b, of 8 bytes at least.
func (m *mutator) span(b []byte) (from, n int) {
	from = m.r.IntN(len(b)-7) &^ 3
	return from, min(len(b)-from, 4+m.r.IntN(64)&^3)
}
