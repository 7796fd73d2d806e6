package comm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"

	flatbuffers "github.com/google/flatbuffers/go"

	"dsss/comm/wire"
	"dsss/flat"
)

// A Message is what the generated object API offers for every table: a plain struct that packs itself.
type Message interface {
	Pack(b *flatbuffers.Builder) flatbuffers.UOffsetT
}

// builders keeps the builders' storage, which grows to the largest message by doubling and copying. The collector takes
// away what is not used for a while.
var builders = sync.Pool{New: func() any { return flatbuffers.NewBuilder(256) }}

// Frame encodes one message as a sealed frame of its own storage. For a StateChunk there is Conn.SendChunk, which copies
// nothing.
func Frame(kind Kind, m Message) []byte {
	b := builders.Get().(*flatbuffers.Builder)
	defer builders.Put(b)
	b.Reset()
	b.Finish(m.Pack(b))
	body := b.FinishedBytes()
	frame := make([]byte, HeaderSize+len(body))
	copy(frame[HeaderSize:], body)
	Seal(frame, kind)
	return frame
}

type table interface {
	Init(buf []byte, i flatbuffers.UOffsetT)
}

func root(t table, body []byte) { t.Init(body, flatbuffers.UOffsetT(binary.LittleEndian.Uint32(body))) }

// shape is what a slot of a table holds, for the verifier: a positive number is an inline field of that many bytes.
type shape int

const (
	text       shape = 0
	bytesShape shape = -1
	ulongs     shape = -2
	classes    shape = -3
	pairs      shape = -4 // structs of two ulongs
	cursors    shape = -5
)

// shapes restates schema/comm.fbs for the verifier; TestShapesMatchSchema compares the two.
var shapes = [kinds][]shape{
	KindHello:       {2, 1, text, bytesShape, 4, 8, text, 4, 8, classes, text, 8, 8, text, 8, 1},
	KindWelcome:     {2, 8, 8, 4, 8, 1, 8, ulongs, 4, 1, 8, 8, 8},
	KindRefuse:      {1, text, 8},
	KindBatch:       {56, bytesShape},
	KindStateObject: {4, text, text, 1},
	KindStateChunk:  {bytesShape},
	KindStateEnd:    {8, pairs, 8, 8, pairs, bytesShape},
	KindHeartbeat:   {8, 8, 8},
	KindSync:        {8, 8, 1},
	KindSynced:      {8, 8, 8},
	KindSave:        {8, 8, 1, 4, 4, 4, 8, 1},
	KindSaved:       {8, 8, text, 8, 8, text, 8},
	KindProgress:    {text, 8},
	KindPanic:       {8, text, text, text, text, text, 8},
	KindLeave:       {8},
	KindStop:        {text, 1, 8},
	KindCommand:     {1, text, 4, 4, 8},
	KindEvent:       {1, 1, 4, 4, 8, 8, 8, 8, text, text, 8},
	KindRecall:      {8, 8},
	KindTail:        {56, bytesShape},
	KindDigest:      {8, 8, pairs, 8},
	KindMembers:     {8, ulongs, 8},
	KindStats:       {8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, cursors},
	KindResult:      {32, bytesShape},
	KindQuery:       {8, 8, 4, 4, 8, bytesShape},
	KindAnswer:      {8, 8, 1, bytesShape},
	KindHosting:     {8, 8},
	KindResend:      {8},
}

// controlShape is that of the table Control, which travels as the arguments of a call.
var controlShape = []shape{1, 8, 8, pairs, text, text, classes, 8, 8, 4, 8, text}

// ackShape is that of the table Ack, likewise.
var ackShape = []shape{8}

func verify(kind Kind, body []byte) error {
	v := flat.New(body)
	walk(v.Root(), shapes[kind])
	if err := v.Err(); err != nil {
		return fmt.Errorf("%w: %v: %w", ErrProtocol, kind, err)
	}
	return nil
}

var (
	classShape  = []shape{text, 8, ulongs}
	cursorShape = []shape{4, 8, 8, 4, 8, 8, 8, 1}
)

func walk(t flat.Table, slots []shape) {
	for i, s := range slots {
		switch s {
		case text:
			t.String(i)
		case bytesShape:
			t.Vector(i, 1)
		case ulongs:
			t.Vector(i, 8)
		case pairs:
			t.Vector(i, 16)
		case classes:
			t.Tables(i, func(t flat.Table) { walk(t, classShape) })
		case cursors:
			t.Tables(i, func(t flat.Table) { walk(t, cursorShape) })
		default:
			t.Scalar(i, int(s))
		}
	}
}

// The parsers: each verifies an untrusted body of its kind and returns values of its own. What Query and Answer have of bytes
// aliases the body.
var (
	parseHello       = parser[wire.HelloT, *wire.Hello](KindHello)
	ParseWelcome     = parser[wire.WelcomeT, *wire.Welcome](KindWelcome)
	ParseRefuse      = parser[wire.RefuseT, *wire.Refuse](KindRefuse)
	ParseStateObject = parser[wire.StateObjectT, *wire.StateObject](KindStateObject)
	parseStateEnd    = parser[wire.StateEndT, *wire.StateEnd](KindStateEnd)
	ParseHeartbeat   = parser[wire.HeartbeatT, *wire.Heartbeat](KindHeartbeat)
	ParseSync        = parser[wire.SyncT, *wire.Sync](KindSync)
	ParseSynced      = parser[wire.SyncedT, *wire.Synced](KindSynced)
	ParseSave        = parser[wire.SaveT, *wire.Save](KindSave)
	ParseSaved       = parser[wire.SavedT, *wire.Saved](KindSaved)
	ParseProgress    = parser[wire.ProgressT, *wire.Progress](KindProgress)
	ParsePanic       = parser[wire.PanicT, *wire.Panic](KindPanic)
	ParseStop        = parser[wire.StopT, *wire.Stop](KindStop)
	ParseCommand     = parser[wire.CommandT, *wire.Command](KindCommand)
	ParseEvent       = parser[wire.EventT, *wire.Event](KindEvent)
	ParseRecall      = parser[wire.RecallT, *wire.Recall](KindRecall)
	ParseDigest      = parser[wire.DigestT, *wire.Digest](KindDigest)
	ParseLeave       = parser[wire.LeaveT, *wire.Leave](KindLeave)
	ParseMembers     = parser[wire.MembersT, *wire.Members](KindMembers)
	ParseStats       = parser[wire.StatsT, *wire.Stats](KindStats)
	ParseQuery       = parser[wire.QueryT, *wire.Query](KindQuery)
	ParseAnswer      = parser[wire.AnswerT, *wire.Answer](KindAnswer)
	ParseHosting     = parser[wire.HostingT, *wire.Hosting](KindHosting)
	ParseResend      = parser[wire.ResendT, *wire.Resend](KindResend)
)

func parser[T any, F interface {
	*E
	table
	UnPack() *T
}, E any](kind Kind) func(body []byte) (*T, error) {
	return func(body []byte) (*T, error) {
		if err := verify(kind, body); err != nil {
			return nil, err
		}
		var f F = new(E)
		root(f, body)
		return f.UnPack(), nil
	}
}

// ParseStateEnd verifies an untrusted body and returns values of its own.
func ParseStateEnd(body []byte) (*wire.StateEndT, error) {
	end, err := parseStateEnd(body)
	if err == nil {
		end.Record = bytes.Clone(end.Record) // as in ParseHello
	}
	return end, err
}

// ParseHello verifies an untrusted body and returns values of its own.
func ParseHello(body []byte) (*wire.HelloT, error) {
	h, err := parseHello(body)
	if err == nil {
		h.Token = bytes.Clone(h.Token) // the object API aliases vectors of bytes
	}
	return h, err
}
