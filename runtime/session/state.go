package session

import (
	"dsss/class"
	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/replica"
)

// sendState sends our replica's state, between two frames that say where it stands, because nobody else has it. The
// reader does it: nothing is applied meanwhile.
func (s *Session) sendState(conn *comm.Conn) error {
	sink := &connSink{conn: conn}
	if err := s.replica.Save(sink); err != nil {
		return err
	}
	return conn.Send(comm.KindStateEnd, endMessage(sink.end))
}

func endMessage(end replica.ItemEnd) *wire.StateEndT {
	m := &wire.StateEndT{Sequence: end.Sequence, Time: end.Nanos}
	for id, request := range end.Sessions {
		m.Sessions = append(m.Sessions, &wire.SessionT{Id: id, Request: request})
	}
	return m
}

// connSink writes a replica's state to a connection.
type connSink struct {
	conn *comm.Conn
	end  replica.ItemEnd
}

func (c *connSink) Begin(end replica.ItemEnd) error {
	c.end = end
	return c.conn.Send(comm.KindStateEnd, endMessage(end))
}

func (c *connSink) Object(id uint32, name string, k *class.Class) error {
	return c.conn.Send(comm.KindStateObject, &wire.StateObjectT{Id: id, Name: name, Class: k.Name})
}

func (c *connSink) Piece(data []byte) error {
	return c.conn.SendChunk(data)
}
