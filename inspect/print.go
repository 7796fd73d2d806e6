package inspect

// A printer writes events down in a notation.
type printer struct {
	notation
	open []level
}

// A level is something that was begun.
type level struct {
	begin Event
	n     int64  // elements, fields or entries so far; of a matrix as JSON, numbers of the present row
	rest  []byte // of a string: bytes that cannot be written without those that follow
}

// A notation is how a printer writes. in is what the event stands in.
type notation interface {
	// separate writes what stands before an element, a field or an entry.
	separate(in *level)
	// name writes a Field or a Key.
	name(in *level, e Event)
	scalar(s Scalar, b []byte)
	piece(in *level, data []byte)
	// rest writes what is left of in before its closing sign.
	rest(in *level)
	// signs are what stands around what begin begins; of a Null the opening one is all.
	signs(begin Event) (opening, closing string)
	write(sign string)
}

// add takes the next event.
func (p *printer) add(e Event) {
	var in *level
	if n := len(p.open); n > 0 {
		in = &p.open[n-1]
	}
	switch e.Kind {
	case Field, Key:
		p.separate(in)
		in.n++
		p.name(in, e)
	case Value, Values:
		for b := e.Data; len(b) > 0; b = b[e.Scalar.Size():] {
			p.element(in)
			p.scalar(e.Scalar, b[:e.Scalar.Size()])
		}
	case Piece:
		p.piece(in, e.Data)
	case End:
		p.rest(in)
		_, closing := p.signs(in.begin)
		p.write(closing)
		p.open = p.open[:len(p.open)-1]
	default:
		p.element(in)
		opening, _ := p.signs(e)
		if p.write(opening); e.Kind >= Struct {
			p.open = append(p.open, level{begin: e})
		}
	}
}

// element begins an element, unless it is the value of a Field or a Key, which have been separated.
func (p *printer) element(in *level) {
	if in != nil && in.begin.Kind != Struct && in.begin.Kind != Map {
		p.separate(in)
		in.n++
	}
}
