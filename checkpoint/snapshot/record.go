package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/checkpoint/snapshot/fb"
	"dsss/internal/limits"
)

//go:generate flatc --go -o . checkpoint.fbs

// Meta says what a checkpoint is a checkpoint of.
type Meta struct {
	Seq      uint64            // last sequence number in it
	Epoch    uint64            // coordinator incarnation
	Run      uint64            // launch
	Job      string            // the job's name
	Time     time.Time         // when its state was current, to the nanosecond, in UTC
	Sessions map[uint64]uint64 // session -> its last request in the checkpoint
	Log      uint64            // the log that goes on behind it: wal.Bound.ID
	Ended    map[int32]uint64  // rank -> its newest incarnation that has ended
	Record   []byte            // what the order says of the job up to Seq, as the coordinator packs it; at most limits.Schema bytes
}

// Object names one object and its class.
type Object struct {
	ID          uint32 // unique in the checkpoint
	Name        string
	Class       string
	Fingerprint uint64 // of the class
	Schema      string // of the class's state, by which it can be read without the program; may be empty
	Hosted      bool   // it is held by keeper and host alone
}

// object is an Object with what is stored of it.
type object struct {
	Object
	chunks uint32
	bytes  uint64
}

func (m *Meta) validate() error {
	switch {
	case len(m.Job) > limits.Name:
		return fmt.Errorf("Meta.Job has %d bytes: %w of %d", len(m.Job), ErrTooLarge, limits.Name)
	case len(m.Record) > limits.Schema:
		return fmt.Errorf("Meta.Record has %d bytes: %w of %d", len(m.Record), ErrTooLarge, limits.Schema)
	case len(m.Sessions) > limits.CheckpointSessions:
		return fmt.Errorf("Meta.Sessions has %d entries: %w of %d", len(m.Sessions), ErrTooLarge, limits.CheckpointSessions)
	}
	return nil
}

func (o *Object) validate() error {
	switch {
	case len(o.Name) > limits.Name:
		return fmt.Errorf("Object.Name of object %d has %d bytes: %w of %d", o.ID, len(o.Name), ErrTooLarge, limits.Name)
	case len(o.Class) > limits.Name:
		return fmt.Errorf("Object.Class of object %d has %d bytes: %w of %d", o.ID, len(o.Class), ErrTooLarge, limits.Name)
	case len(o.Schema) > limits.Schema:
		return fmt.Errorf("Object.Schema of object %d has %d bytes: %w of %d", o.ID, len(o.Schema), ErrTooLarge, limits.Schema)
	}
	return nil
}

// sessionVector writes a map as a vector by ascending keys.
func sessionVector(b *flatbuffers.Builder, start func(*flatbuffers.Builder, int) flatbuffers.UOffsetT, m map[uint64]uint64) flatbuffers.UOffsetT {
	ids := slices.Sorted(maps.Keys(m))
	start(b, len(ids))
	for _, id := range slices.Backward(ids) { // vectors are built backwards
		fb.CreateSession(b, id, m[id])
	}
	return b.EndVector(len(ids))
}

func encodeMeta(m Meta, objects int) []byte {
	b := flatbuffers.NewBuilder(256 + 16*len(m.Sessions) + len(m.Record))
	job := b.CreateString(m.Job)
	vector := sessionVector(b, fb.MetaStartSessionsVector, m.Sessions)
	ended := map[uint64]uint64{}
	for rank, incarnation := range m.Ended {
		ended[uint64(int64(rank))] = incarnation
	}
	endedVector, record := sessionVector(b, fb.MetaStartEndedVector, ended), b.CreateByteVector(m.Record)
	fb.MetaStart(b)
	fb.MetaAddSeq(b, m.Seq)
	fb.MetaAddEpoch(b, m.Epoch)
	fb.MetaAddRun(b, m.Run)
	fb.MetaAddJob(b, job)
	fb.MetaAddTime(b, m.Time.UnixNano())
	fb.MetaAddObjects(b, uint32(objects))
	fb.MetaAddSessions(b, vector)
	fb.MetaAddLog(b, m.Log)
	fb.MetaAddEnded(b, endedVector)
	fb.MetaAddRecord(b, record)
	b.Finish(fb.MetaEnd(b))
	return b.FinishedBytes()
}

func decodeMeta(buf []byte) (Meta, int, error) {
	t, err := rootTable(buf)
	if err == nil {
		// Slots in the order of the schema.
		err = errors.Join(t.scalar(0, 8), t.scalar(1, 8), t.scalar(2, 8), t.vector(3, 1), t.scalar(4, 8), t.scalar(5, 4), t.vector(6, 16), t.scalar(7, 8), t.vector(8, 16), t.vector(9, 1))
	}
	if err != nil {
		return Meta{}, 0, fmt.Errorf("metadata: %w", err)
	}
	f := fb.GetRootAsMeta(buf, 0)
	m := Meta{
		Seq:      f.Seq(),
		Epoch:    f.Epoch(),
		Run:      f.Run(),
		Job:      string(f.Job()),
		Time:     time.Unix(0, f.Time()).UTC(),
		Sessions: make(map[uint64]uint64, f.SessionsLength()),
		Log:      f.Log(),
	}
	var s fb.Session
	for i := range f.SessionsLength() {
		f.Sessions(&s, i)
		m.Sessions[s.Id()] = s.Last()
	}
	for i := range f.EndedLength() {
		f.Ended(&s, i)
		if m.Ended == nil {
			m.Ended = map[int32]uint64{}
		}
		m.Ended[int32(s.Id())] = s.Last()
	}
	if record := f.RecordBytes(); len(record) > 0 {
		m.Record = slices.Clone(record)
	}
	return m, int(f.Objects()), nil
}

func encodeObject(o object) []byte {
	b := flatbuffers.NewBuilder(128 + len(o.Name) + len(o.Class))
	name, class, schema := b.CreateString(o.Name), b.CreateString(o.Class), b.CreateString(o.Schema)
	fb.ObjectStart(b)
	fb.ObjectAddId(b, o.ID)
	fb.ObjectAddName(b, name)
	fb.ObjectAddClass(b, class)
	fb.ObjectAddFingerprint(b, o.Fingerprint)
	fb.ObjectAddChunks(b, o.chunks)
	fb.ObjectAddBytes(b, o.bytes)
	fb.ObjectAddSchema(b, schema)
	fb.ObjectAddHosted(b, o.Hosted)
	b.Finish(fb.ObjectEnd(b))
	return b.FinishedBytes()
}

func decodeObject(buf []byte) (object, error) {
	t, err := rootTable(buf)
	if err == nil {
		err = errors.Join(t.scalar(0, 4), t.vector(1, 1), t.vector(2, 1), t.scalar(3, 8), t.scalar(4, 4), t.scalar(5, 8), t.vector(6, 1), t.scalar(7, 1))
	}
	if err != nil {
		return object{}, fmt.Errorf("object record: %w", err)
	}
	f := fb.GetRootAsObject(buf, 0)
	return object{
		Object: Object{ID: f.Id(), Name: string(f.Name()), Class: string(f.Class()), Fingerprint: f.Fingerprint(), Schema: string(f.Schema()), Hosted: f.Hosted()},
		chunks: f.Chunks(),
		bytes:  f.Bytes(),
	}, nil
}

// table is a FlatBuffers table whose place in its buffer has been checked. The
// generated accessors index the buffer with whatever offsets it holds; once
// scalar or vector has accepted a slot, its accessor stays inside. (FlatBuffers
// internals, "Tables" and "Vectors".)
type table struct {
	buf    []byte
	pos    int64 // of the table
	size   int64 // of the table's inline part
	vtable []byte
}

func rootTable(buf []byte) (table, error) {
	u32 := func(at int64) int64 { return int64(binary.LittleEndian.Uint32(buf[at:])) }
	size := int64(len(buf))
	if size < 8 {
		return table{}, errors.New("buffer is cut off")
	}
	pos := u32(0)
	if pos+4 > size {
		return table{}, errors.New("root table lies outside the buffer")
	}
	vpos := pos - int64(int32(u32(pos)))
	if vpos < 0 || vpos+4 > size {
		return table{}, errors.New("vtable lies outside the buffer")
	}
	vsize := int64(binary.LittleEndian.Uint16(buf[vpos:]))
	tsize := int64(binary.LittleEndian.Uint16(buf[vpos+2:]))
	if vsize < 4 || vsize%2 != 0 || vpos+vsize > size || tsize < 4 || pos+tsize > size {
		return table{}, errors.New("table lies outside the buffer")
	}
	return table{buf: buf, pos: pos, size: tsize, vtable: buf[vpos : vpos+vsize]}, nil
}

// scalar checks a field of size bytes. A field that is absent is sound.
func (t table) scalar(slot int, size int64) error {
	if at := t.offset(slot); at != 0 && (at < 4 || at+size > t.size) {
		return fmt.Errorf("field %d lies outside its table", slot)
	}
	return nil
}

// vector checks a field that refers to a vector, or string, of elements of size bytes.
func (t table) vector(slot int, size int64) error {
	at := t.offset(slot)
	if at == 0 {
		return nil
	}
	if err := t.scalar(slot, 4); err != nil {
		return err
	}
	start := t.pos + at
	start += int64(binary.LittleEndian.Uint32(t.buf[start:]))
	if start+4 > int64(len(t.buf)) {
		return fmt.Errorf("field %d lies outside the buffer", slot)
	}
	n := int64(binary.LittleEndian.Uint32(t.buf[start:]))
	if start+4+n*size > int64(len(t.buf)) {
		return fmt.Errorf("field %d ends outside the buffer", slot)
	}
	return nil
}

// offset returns where in the table a field is, 0 when it is absent.
func (t table) offset(slot int) int64 {
	if at := 4 + 2*slot; at+2 <= len(t.vtable) {
		return int64(binary.LittleEndian.Uint16(t.vtable[at:]))
	}
	return 0
}
