package session

import (
	"fmt"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/replica"
)

// sendState sends our replica's state, between two frames that say where it stands, because nobody else has it. The
// reader does it: nothing is applied meanwhile.
func (s *Session) sendState(conn *comm.Conn) error {
	sink := &connSink{conn: conn, id: s.id}
	if err := s.follower.replica.Save(sink); err != nil {
		return err
	}
	return conn.Send(comm.KindStateEnd, sink.end)
}

// EndMessage is a replica's position as the given session says it.
func EndMessage(session uint64, end replica.ItemEnd) *wire.StateEndT {
	m := &wire.StateEndT{Sequence: end.Sequence, Time: end.Nanos, Session: session, Record: end.Record}
	comm.PutTables(m, end.Sessions, end.Ended)
	return m
}

// connSink writes a replica's state to a connection.
type connSink struct {
	conn *comm.Conn
	id   uint64
	end  *wire.StateEndT
}

func (c *connSink) Begin(end replica.ItemEnd) error {
	c.end = EndMessage(c.id, end)
	return c.conn.Send(comm.KindStateEnd, c.end)
}

func (c *connSink) Object(o *replica.Object) error {
	return c.conn.Send(comm.KindStateObject, &wire.StateObjectT{Id: o.ID, Name: o.Name, Class: o.Class.Name, Hosted: o.Hosted})
}

func (c *connSink) Piece(data []byte) error { return c.conn.SendChunk(data) }

// stateReader reads the items of a state from a connection.
type stateReader struct {
	conn *comm.Conn
	id   uint64
}

func (r stateReader) next() (replica.Item, error) {
	for {
		kind, body, err := r.conn.Next()
		if err != nil {
			return replica.Item{}, err
		}
		switch kind {
		case comm.KindHeartbeat:
		case comm.KindStateObject:
			m, err := comm.ParseStateObject(body)
			if err != nil {
				return replica.Item{}, err
			}
			return replica.Item{Object: &replica.ItemObject{ID: m.Id, Name: m.Name, Class: m.Class, Hosted: m.Hosted}}, nil
		case comm.KindStateChunk:
			piece, err := comm.StateChunkData(body)
			return replica.Item{Piece: piece}, err
		case comm.KindStateEnd:
			m, err := comm.ParseStateEnd(body)
			if err != nil || m.Session != r.id {
				return replica.Item{}, notMine(kind, err)
			}
			end := &replica.ItemEnd{Sequence: m.Sequence, Nanos: m.Time, Record: m.Record}
			end.Sessions, end.Ended = comm.Tables(m)
			return replica.Item{End: end}, nil
		default:
			return replica.Item{}, fmt.Errorf("%w: %v inside a state", comm.ErrProtocol, kind)
		}
	}
}
