package launcher

import (
	"bytes"
	"unicode/utf8"
)

// A splitter cuts a stream into lines. It keeps at most max bytes of an unfinished one.
type splitter struct {
	max  int // a line longer than this comes in pieces
	rest []byte
}

// push calls line with each line of the stream that chunk completes, without its newline. line does not keep it.
func (s *splitter) push(chunk []byte, line func([]byte)) {
	for len(chunk) > 0 {
		i := bytes.IndexByte(chunk, '\n')
		if i < 0 {
			s.rest = append(s.rest, chunk...)
			s.cut(line)
			return
		}
		s.rest = append(s.rest, chunk[:i]...)
		s.cut(line)
		line(s.rest)
		s.rest, chunk = s.rest[:0], chunk[i+1:]
	}
}

// cut passes on pieces until no more than max bytes are left. A piece ends between UTF-8 characters where it can.
func (s *splitter) cut(line func([]byte)) {
	for len(s.rest) > s.max {
		n := s.max
		for back := 0; back < utf8.UTFMax && n > 1 && !utf8.RuneStart(s.rest[n]); back++ {
			n--
		}
		line(s.rest[:n])
		s.rest = append(s.rest[:0], s.rest[n:]...)
	}
}

// end passes on a last line that had no newline.
func (s *splitter) end(line func([]byte)) {
	if len(s.rest) > 0 {
		line(s.rest)
		s.rest = nil
	}
}
