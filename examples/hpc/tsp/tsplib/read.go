package tsplib

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
)

// Error says where a file is not an instance that this package reads, and what to do about it.
type Error struct {
	File string
	Line int    // counted from 1
	What string // the cause, with what to do
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.What) }

// ReadFile reads the instance in the file at path. What is wrong with its content is an *Error.
func ReadFile(path string) (*Instance, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a directory; name a TSPLIB file", path)
	}
	return Read(f, path)
}

// Read reads an instance from r, up to EOF or its end, and calls it file in errors. What is wrong with the content is
// an *Error.
func Read(r io.Reader, file string) (*Instance, error) {
	limited := &io.LimitedReader{R: r, N: MaxFile + 1}
	p := &reader{file: file, scan: bufio.NewScanner(limited), head: map[string]string{}}
	p.scan.Buffer(make([]byte, 0, 64<<10), MaxLine)
	in, err := p.read()
	if limited.N == 0 {
		return nil, p.errorf("file longer than %d bytes; give a smaller instance", MaxFile)
	}
	return in, err
}

// A reader takes a file apart line by line: first the specification, "KEYWORD : value", then sections of numbers.
type reader struct {
	file string
	scan *bufio.Scanner
	line int
	text string // the present line, trimmed

	head   map[string]string // the specification
	n      int               // DIMENSION, 0 before it is seen
	names  map[int]string    // by number of the city, from 1
	nodes  []Coord           // NODE_COORD_SECTION
	shown  []Coord           // DISPLAY_DATA_SECTION
	matrix []int32           // EDGE_WEIGHT_SECTION
}

func (p *reader) errorf(format string, args ...any) error {
	return &Error{p.file, max(p.line, 1), fmt.Sprintf(format, args...)}
}

// next moves to the next line that is not blank. It reports false at the end of the file and on an error.
func (p *reader) next() bool {
	for p.scan.Err() == nil && p.scan.Scan() { // after an error Scan would hand out the rest of the line

		p.line++
		if p.text = strings.TrimSpace(p.scan.Text()); p.text != "" {
			return true
		}
	}
	return false
}

func (p *reader) read() (*Instance, error) {
	for p.next() {
		key, value, _ := strings.Cut(p.text, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if key == "EOF" {
			break
		}
		if err := p.entry(key, value); err != nil {
			return nil, err
		}
	}
	if err := p.scan.Err(); errors.Is(err, bufio.ErrTooLong) {
		p.line++
		return nil, p.errorf("line longer than %d bytes; break it, or check that this is a TSPLIB file", MaxLine)
	} else if err != nil {
		return nil, fmt.Errorf("reading %s after line %d: %w", p.file, p.line, err)
	}
	return p.instance()
}

// entry takes one entry of the specification, or one section whole.
func (p *reader) entry(key, value string) error {
	switch key {
	case "COMMENT":
		return p.comment(value)
	case "NODE_COORD_SECTION":
		return p.coords(key, &p.nodes)
	case "DISPLAY_DATA_SECTION":
		return p.coords(key, &p.shown)
	case "EDGE_WEIGHT_SECTION":
		return p.weights()
	case "NAME", "TYPE", "DIMENSION", "EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT", "NODE_COORD_TYPE", "DISPLAY_DATA_TYPE":
	case "FIXED_EDGES_SECTION":
		return p.errorf("FIXED_EDGES_SECTION is not supported; remove it to solve the problem without fixed edges")
	default:
		return p.errorf("unknown keyword %s; give a TSPLIB 95 file of TYPE TSP", quote(key))
	}
	if _, twice := p.head[key]; twice {
		return p.errorf("second %s; remove one", key)
	}
	p.head[key] = value
	return p.specification(key, value)
}

// specification checks the value of one entry.
func (p *reader) specification(key, value string) error {
	switch key {
	case "NAME":
		if len(value) > maxName {
			return p.errorf("NAME longer than %d bytes; shorten it", maxName)
		}
	case "TYPE":
		// Some files add the author's name after the type.
		if kind, _, _ := strings.Cut(value, " "); kind != "TSP" {
			return p.errorf("TYPE %s is not supported; give a symmetric instance, TYPE TSP", quote(value))
		}
	case "DIMENSION":
		n, err := strconv.Atoi(value)
		if err != nil || n < 3 || n > MaxDimension {
			return p.errorf("DIMENSION %s is not a number of cities from 3 to %d; correct it", quote(value), MaxDimension)
		}
		p.n = n
	case "EDGE_WEIGHT_TYPE":
		if _, ok := distances[value]; !ok && value != "EXPLICIT" {
			return p.errorf("EDGE_WEIGHT_TYPE %s is not supported; use EXPLICIT, EUC_2D, CEIL_2D, GEO or ATT", quote(value))
		}
	case "EDGE_WEIGHT_FORMAT":
		if _, ok := formats[value]; !ok && value != "FUNCTION" {
			return p.errorf("EDGE_WEIGHT_FORMAT %s is not supported; use one of the manual's matrix formats, FULL_MATRIX say", quote(value))
		}
	case "NODE_COORD_TYPE":
		if value != "TWOD_COORDS" && value != "NO_COORDS" {
			return p.errorf("NODE_COORD_TYPE %s is not supported; use TWOD_COORDS", quote(value))
		}
	}
	return nil
}

// comment keeps the name of a city; other comments are passed over.
func (p *reader) comment(value string) error {
	rest, ok := strings.CutPrefix(value, "NODE ")
	if !ok {
		return nil
	}
	number, name, _ := strings.Cut(strings.TrimSpace(rest), " ")
	i, err := strconv.Atoi(number)
	if name = strings.TrimSpace(name); err != nil || name == "" {
		return nil // prose that begins with this word
	}
	if i < 1 || i > MaxDimension {
		return p.errorf("name for city %d; cities are numbered from 1 to DIMENSION", i)
	}
	if len(name) > maxName {
		return p.errorf("name of city %d longer than %d bytes; shorten it", i, maxName)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return p.errorf("name of city %d has a character that cannot be printed; give UTF-8 text", i)
	}
	if p.names[i] != "" {
		return p.errorf("second name for city %d; remove one", i)
	}
	if p.names == nil {
		p.names = map[int]string{}
	}
	p.names[i] = name
	return nil
}

// quote shortens what a file says to what an error shows of it.
func quote(s string) string {
	if len(s) > 40 {
		s = s[:40] + "..."
	}
	return strconv.Quote(s)
}
