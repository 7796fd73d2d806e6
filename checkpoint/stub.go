package checkpoint

import (
	"errors"
	"iter"
	"time"
)

var errStub = errors.New("not built yet")

// LogConfig configures OpenLog; the zero value is valid.
type LogConfig struct {
	SegmentBytes int64  // size at which a new segment starts; 0 means limits.Segment
	First        uint64 // first sequence number of an empty log; 0 means 1
	Tag          uint64 // stored in the header of each new segment: the epoch, say
}

type Recovery struct {
	Segment   string // path of the last segment
	TornBytes int64  // cut off its end
	Last      uint64 // last sequence number in the log; First-1 when it is empty
}

type Record struct {
	First uint64
	Count uint32
	Data  []byte
}

type Log struct{}

func OpenLog(dir string, cfg LogConfig) (*Log, Recovery, error) { return nil, Recovery{}, errStub }
func (l *Log) Append(recs []Record) error                       { return errStub }
func (l *Log) Sync() error                                      { return errStub }
func (l *Log) First() uint64                                    { return 0 }
func (l *Log) Next() uint64                                     { return 0 }
func (l *Log) Read(from uint64) (*LogReader, error)             { return nil, errStub }
func (l *Log) TruncateBefore(seq uint64) error                  { return errStub }
func (l *Log) Close() error                                     { return errStub }

type LogReader struct{}

func (r *LogReader) Next() (Record, error) { return Record{}, errStub }
func (r *LogReader) Close() error          { return errStub }

type Meta struct {
	Seq, Epoch, Run uint64
	Job             string
	Time            time.Time
	Sessions        map[uint64]uint64
}

type Object struct {
	ID          uint32
	Name, Class string
	Fingerprint uint64
}

type Info struct {
	Path    string
	Seq     uint64
	Bytes   int64
	Time    time.Time
	Objects int
}

type Writer struct{}

func Create(dir string, m Meta) (*Writer, error) { return nil, errStub }
func (w *Writer) BeginObject(o Object) error     { return errStub }
func (w *Writer) Chunk(b []byte) error           { return errStub }
func (w *Writer) Commit() (Info, error)          { return Info{}, errStub }
func (w *Writer) Abort()                         {}

type Reader struct{}

func OpenFile(path string) (*Reader, error)                                   { return nil, errStub }
func (r *Reader) Meta() Meta                                                  { return Meta{} }
func (r *Reader) Objects() []Object                                           { return nil }
func (r *Reader) Chunks(id uint32) iter.Seq2[[]byte, error]                   { return nil }
func (r *Reader) Close() error                                                { return nil }
func List(dir string) ([]Info, error)                                         { return nil, errStub }
func Newest(dir string, report func(path string, err error)) (*Reader, error) { return nil, errStub }
func Retain(dir string, k int) error                                          { return errStub }
