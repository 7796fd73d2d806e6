package session

import (
	"errors"
	"slices"

	"dsss/comm"
	"dsss/comm/wire"
	"dsss/runtime/replica"
)

// atMark does what the coordinator wants of us at a mark in the order: our replica stands at it. Marks that mean nothing
// to us, such as those of a log that we catch up from, are passed by.
func (s *Session) atMark(conn *comm.Conn, id uint64) error {
	i := slices.IndexFunc(s.armed, func(m *wire.SaveT) bool { return m.Id == id })
	if i < 0 {
		return nil
	}
	m := s.armed[i]
	s.armed = slices.Delete(s.armed, i, i+1)
	switch {
	case m.Want == wire.WantState:
		return s.sendState(conn)
	case m.Want == wire.WantDigest:
		d := &replica.Digester{First: int(m.First), Pieces: int(m.Pieces)}
		if err := s.replica.Save(d); err != nil && !errors.Is(err, replica.ErrEnough) {
			s.cfg.Log.Warn("this state cannot be digested", "cause", err)
			return nil // nor can the keeper's, which says so
		}
		seq := s.replica.Applied()
		s.aside(func() { s.SendDigest(m.Id, seq, d) }) // the coordinator may be waiting for us to read
	case s.cfg.OnSave != nil:
		select {
		case <-s.cfg.OnSave(m):
		case <-conn.Closed(): // a coordinator that takes over needs to hear from us, checkpoint or not
		case <-s.ended:
		}
	}
	return nil
}

// SendDigest tells the coordinator what d found at the mark at seq.
func (s *Session) SendDigest(id, seq uint64, d *replica.Digester) {
	m := &wire.DigestT{Id: id, Sequence: seq}
	for _, f := range d.Found {
		m.Objects = append(m.Objects, &wire.ObjectDigestT{Object: uint64(f.Object), Digest: f.Digest})
	}
	s.Send(comm.KindDigest, m)
}
